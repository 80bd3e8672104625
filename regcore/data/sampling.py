"""Drawing rows by class, and labels that are wrong on purpose."""

import numpy as np

from regcore.data.types import Integers


def stratified_order(labels: Integers, rng: np.random.Generator) -> Integers:
    """Return a random order of the rows in which every beginning and every end is stratified.

    The k-th of a class's m rows sits at (k + 1/2) / m of the way, so the first n rows, like the last n, hold
    each class in proportion to within one row. A first row of every class leads, and a last row of every
    class that has two closes: any beginning as long as there are classes holds them all. Train rows taken
    from the front and validation rows from the back therefore depend on their own number alone.

    Args:
        labels: Class of each row, shape [n].
        rng: Where the order is drawn from.

    Returns:
        Positions into `labels`, each once, shape [n].
    """
    shuffled = rng.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    _, starts, counts = np.unique(labels[by_class], return_index=True, return_counts=True)
    size = np.repeat(counts, counts)
    rank = np.arange(len(labels)) - np.repeat(starts, counts)
    place = (rank + 0.5) / size
    place[(rank == size - 1) & (size > 1)] = 2.0
    place[rank == 0] = -1.0
    # Classes of one size share their places: ties broken by label would favour the low ones.
    order = np.lexsort((rng.random(len(labels)), place))
    return np.asarray(by_class[order], dtype=np.int64)


def row_order(labels: Integers | None, n_rows: int, rng: np.random.Generator) -> Integers:
    """Return a random order of `n_rows` rows: stratified by `labels`, or plain where there are none."""
    if labels is None:
        return np.asarray(rng.permutation(n_rows), dtype=np.int64)
    return stratified_order(labels, rng)


def redraw_labels(
    labels: Integers,
    rows: Integers,
    fraction: float,
    n_classes: int,
    rng: np.random.Generator,
) -> Integers:
    """Return the labels of `rows`, an exact fraction of them redrawn uniformly over all classes.

    A redrawn label may be the right one, so with C classes `fraction * (C - 1) / C` of them are wrong on
    average. Each row of the data set has its own draw: a larger fraction redraws the same rows and more, to
    the same labels.

    Args:
        labels: Clean labels of the whole data set, shape [N].
        rows: Which rows, shape [n].
        fraction: Part of the rows that is redrawn, 0 to 1; `round(fraction * n)` rows exactly.
        n_classes: Number of classes.
        rng: Where rows and labels are drawn from.
    """
    priority = rng.random(len(labels))
    drawn = rng.integers(n_classes, size=len(labels))
    noisy = rows[np.argsort(priority[rows])[: round(fraction * len(rows))]]
    changed = labels.copy()
    changed[noisy] = drawn[noisy]
    return changed[rows]
