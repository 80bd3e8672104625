"""Tables of results that are written by hand."""

import numpy as np


def columns(rows, names):
    """Return the columns of rows, by name."""
    return {name: np.array([row[at] for row in rows]) for at, name in enumerate(names)}
