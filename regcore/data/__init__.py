"""Data sets: built in or brought along, their splits, scaling and label noise."""

from regcore.data.builtin import load_dataset
from regcore.data.catalog import DATASET_INFO, DatasetInfo
from regcore.data.checks import check_built_in, check_fits
from regcore.data.dataset import Dataset, RawSplit, Rows, Split
from regcore.data.keras_images import download_keras_images, has_keras_images
from regcore.data.types import Task

__all__ = [
    "DATASET_INFO",
    "Dataset",
    "DatasetInfo",
    "RawSplit",
    "Rows",
    "Split",
    "Task",
    "check_built_in",
    "check_fits",
    "download_keras_images",
    "has_keras_images",
    "load_dataset",
]
