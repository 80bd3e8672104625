"""Refusing configurations and data sets that do not go together."""

from regcore.config import Config
from regcore.data.builtin import check_rows
from regcore.data.catalog import DATASET_INFO
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
    _check_images(config, dataset.name, dataset.image_shape)
    if config.patience is not None and not dataset.n_val:
        raise ConfigError(
            f"patience must be None on {dataset.name}, which has no validation rows to stop by, got "
            f"{config.patience}"
        )


def check_built_in(config: Config) -> None:
    """Refuse what a configuration asks for and the built-in data set that it names cannot give.

    It says what `load_dataset` and `check_fits` would say, without loading anything.

    Raises:
        ConfigError: The message names the field, the rule and the value.
    """
    check_rows(config)
    _check_images(config, config.data, DATASET_INFO[config.data].image_shape)


def _check_images(config: Config, name: str, image_shape: tuple[int, int] | None) -> None:
    if image_shape is None:
        for field in IMAGE_FIELDS:
            value = getattr(config, field)
            if value:
                rule = "False" if field == "flip" else "0"
                raise ConfigError(
                    f"{field} must be {rule} on {name}, whose rows are not images, got {value!r}"
                )
        return
    side = min(image_shape)
    for field in ("shift", "cutout"):
        value = getattr(config, field)
        if not value < side:
            raise ConfigError(
                f"{field} must be less than {side} pixels, the smaller side of the images of {name}, "
                f"got {value!r}"
            )
