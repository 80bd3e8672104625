"""What is known of the built-in data sets before any of them is loaded."""

from dataclasses import dataclass

from regcore.data.types import Task

GENERATED = "generated"
SCIKIT_LEARN = "scikit-learn"
KERAS = "keras.datasets"


@dataclass(frozen=True)
class DatasetInfo:
    """What a menu says about a built-in data set, and how many rows it recommends.

    Attributes:
        title: Its name in menus.
        description: One line: what a row is and what is predicted.
        source: Where the rows come from.
        task: "binary", "multiclass" or "regression".
        n_features: Number of columns.
        target_names: One for each class; one name for a regression target.
        n_train: Recommended train rows, so few that the default network overfits.
        n_val: Recommended validation rows.
        n_test: Rows of the test set.
        n_available: The most rows that train and val can share.
        image_shape: (height, width) of images, else None.
        noise_meaning: What `Config.noise` is here; None where it is not used.
    """

    title: str
    description: str
    source: str
    task: Task
    n_features: int
    target_names: tuple[str, ...]
    n_train: int
    n_val: int
    n_test: int
    n_available: int
    image_shape: tuple[int, int] | None = None
    noise_meaning: str | None = None

    @property
    def n_classes(self) -> int:
        """Number of classes; 1 for regression."""
        return 1 if self.task == "regression" else len(self.target_names)

    @property
    def is_generated(self) -> bool:
        """Whether the rows are made up from a formula."""
        return self.source == GENERATED


DATASET_INFO: dict[str, DatasetInfo] = {
    "moons": DatasetInfo(
        title="Two moons",
        description="Two interleaved half circles; which one?",
        source=GENERATED,
        task="binary",
        n_features=2,
        target_names=("upper", "lower"),
        n_train=60,
        n_val=100,
        n_test=500,
        n_available=120_000,
        noise_meaning="standard deviation of each coordinate",
    ),
    "circles": DatasetInfo(
        title="Circles",
        description="A circle within another; which one?",
        source=GENERATED,
        task="binary",
        n_features=2,
        target_names=("inner", "outer"),
        n_train=100,
        n_val=100,
        n_test=500,
        n_available=120_000,
        noise_meaning="standard deviation of each coordinate",
    ),
    "spirals": DatasetInfo(
        title="Spirals",
        description="Two spiral arms; which one?",
        source=GENERATED,
        task="binary",
        n_features=2,
        target_names=("first arm", "second arm"),
        n_train=150,
        n_val=100,
        n_test=500,
        n_available=120_000,
        noise_meaning="standard deviation of each coordinate",
    ),
    "xor": DatasetInfo(
        title="XOR",
        description="Points of a square; do the signs of their coordinates differ?",
        source=GENERATED,
        task="binary",
        n_features=2,
        target_names=("same", "different"),
        n_train=100,
        n_val=100,
        n_test=500,
        n_available=120_000,
        noise_meaning="standard deviation of each coordinate",
    ),
    "blobs": DatasetInfo(
        title="Blobs",
        description="Four overlapping round clouds; which one?",
        source=GENERATED,
        task="multiclass",
        n_features=2,
        target_names=("upper right", "upper left", "lower left", "lower right"),
        n_train=100,
        n_val=100,
        n_test=500,
        n_available=120_000,
        noise_meaning="standard deviation of each coordinate",
    ),
    "sine": DatasetInfo(
        title="Sine",
        description="One period of a sine, measured with errors.",
        source=GENERATED,
        task="regression",
        n_features=1,
        target_names=("y",),
        n_train=20,
        n_val=60,
        n_test=500,
        n_available=120_000,
        noise_meaning="standard deviation of y",
    ),
    "breast_cancer": DatasetInfo(
        title="Breast cancer",
        description="30 measurements of the cell nuclei of a biopsy; malignant or benign?",
        source=SCIKIT_LEARN,
        task="binary",
        n_features=30,
        target_names=("malignant", "benign"),
        n_train=100,
        n_val=100,
        n_test=169,
        n_available=400,
    ),
    "wine": DatasetInfo(
        title="Wine",
        description="13 chemical measurements of a wine; which of three growers?",
        source=SCIKIT_LEARN,
        task="multiclass",
        n_features=13,
        target_names=("grower 0", "grower 1", "grower 2"),
        n_train=60,
        n_val=50,
        n_test=58,
        n_available=120,
    ),
    "iris": DatasetInfo(
        title="Iris",
        description="Four lengths and widths of a flower; which of three species?",
        source=SCIKIT_LEARN,
        task="multiclass",
        n_features=4,
        target_names=("setosa", "versicolor", "virginica"),
        n_train=50,
        n_val=40,
        n_test=50,
        n_available=100,
    ),
    "digits": DatasetInfo(
        title="Digits",
        description="Handwritten digits of 8 by 8 pixels; which digit?",
        source=SCIKIT_LEARN,
        task="multiclass",
        n_features=64,
        target_names=tuple("0123456789"),
        n_train=400,
        n_val=400,
        n_test=500,
        n_available=1297,
        image_shape=(8, 8),
    ),
    "diabetes": DatasetInfo(
        title="Diabetes",
        description="Ten measurements of a patient; how far has the disease gone a year later?",
        source=SCIKIT_LEARN,
        task="regression",
        n_features=10,
        target_names=("progression",),
        n_train=100,
        n_val=100,
        n_test=142,
        n_available=300,
    ),
    "article_binary": DatasetInfo(
        title="Article: five features",
        description="Five normal features, of which two decide the class, with errors.",
        source=GENERATED,
        task="binary",
        n_features=5,
        target_names=("0", "1"),
        n_train=200,
        n_val=200,
        n_test=500,
        n_available=120_000,
        noise_meaning="standard deviation of the error, beside a score that has 1",
    ),
    "article_regression": DatasetInfo(
        title="Article: no signal",
        description="32 uniform features and a target that has nothing to do with them.",
        source=GENERATED,
        task="regression",
        n_features=32,
        target_names=("y",),
        n_train=1000,
        n_val=250,
        n_test=250,
        n_available=120_000,
    ),
    "mnist": DatasetInfo(
        title="MNIST",
        description="Handwritten digits of 28 by 28 pixels; which digit?",
        source=KERAS,
        task="multiclass",
        n_features=784,
        target_names=tuple("0123456789"),
        n_train=1000,
        n_val=1000,
        n_test=2000,
        n_available=60_000,
        image_shape=(28, 28),
    ),
    "fashion_mnist": DatasetInfo(
        title="Fashion-MNIST",
        description="Pictures of clothes of 28 by 28 pixels; which of ten kinds?",
        source=KERAS,
        task="multiclass",
        n_features=784,
        target_names=(
            "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
            "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        ),
        n_train=1000,
        n_val=1000,
        n_test=2000,
        n_available=60_000,
        image_shape=(28, 28),
    ),
}  # fmt: skip
