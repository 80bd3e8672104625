"""Types that the data modules share."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Task = Literal["binary", "multiclass", "regression"]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
# int64 labels of classes, or float64 values of a regression.
Targets = NDArray[Any]
