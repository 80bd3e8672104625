"""Refusing configurations and data sets that do not go together."""

from regcore.config import Config
from regcore.data.dataset import Dataset
from regcore.errors import ConfigError

IMAGE_FIELDS = ("shift", "rotate", "zoom", "flip", "cutout")


def check_fits(config: Config, dataset: Dataset) -> None:
    """Refuse what a configuration asks for and a data set cannot give.

    The data fields of the configuration are not looked at: `load_dataset` has checked them, and they do not
    count where a data set is handed in.

    Raises:
        ConfigError: The message names the field, the rule and the value.
    """
    if dataset.image_shape is None:
        for field in IMAGE_FIELDS:
            value = getattr(config, field)
            if value:
                rule = "False" if field == "flip" else "0"
                raise ConfigError(
                    f"{field} must be {rule} on {dataset.name}, whose rows are not images, got {value!r}"
                )
        return
    side = min(dataset.image_shape)
    for field in ("shift", "cutout"):
        value = getattr(config, field)
        if not value < side:
            raise ConfigError(
                f"{field} must be less than {side} pixels, the smaller side of the images of {dataset.name}, "
                f"got {value!r}"
            )
