"""What the steps of one call of the compiled loop train on: rows, targets, masks and augmentation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regcore.data import Dataset
from regcore.data.dataset import Rows
from regcore.engine import program, streams
from regcore.engine.replicate import Replicate
from regcore.engine.runtime import Workspace, shared
from regcore.engine.shard import Shard

# Masks and the like drawn for one call of the compiled loop.
_DRAWN_BYTES = 32 << 20
# Inputs made ready together.
_SLAB_BYTES = 1 << 20

_workspace = Workspace()


def steps_per_epoch(shard: Shard, dataset: Dataset) -> int:
    """Return the optimizer steps of one epoch; the last batch may be smaller."""
    return math.ceil(dataset.n_train / shard.replicates[0].config.batch_size)


class BatchSource:
    """Draws what a shard's steps train on, from the replicates' own streams.

    Args:
        shard: Whose steps.
        dataset: Its data.
        rows: The rows of each replicate's seed.
        uses: What any of the replicates uses; nothing else is drawn.
        dtype: Of regression targets and of mixup's lambda.
    """

    def __init__(
        self, shard: Shard, dataset: Dataset, rows: Sequence[Rows], uses: program.Uses, dtype: str
    ) -> None:
        self.shard, self.dataset, self.rows, self.uses, self.dtype = shard, dataset, rows, uses, dtype
        self.config = shard.replicates[0].config
        self.n_replicates = len(shard.replicates)
        self._rows_per_step = self.n_replicates * min(self.config.batch_size, dataset.n_train)
        self.steps_per_epoch = steps_per_epoch(shard, dataset)
        self.block = streams.steps_per_block(self.config, dataset.n_features)
        self.trained = [streams.training_rows(replicate, dataset.n_train) for replicate in shard.replicates]
        self.label_dtype = dtype if dataset.task == "regression" else "int32"

    def end_of_call(self, step: int) -> int:
        """Return the step at which a call that begins at `step` should end, before too much is drawn."""
        end = step + _DRAWN_BYTES // self._bytes_per_step()
        # A block is drawn as a whole: one that ended halfway would be drawn again.
        return max(end - end % self.block, step - step % self.block + self.block)

    def _bytes_per_step(self) -> int:
        bytes_a_row = 16
        for layer, width in enumerate((self.dataset.n_features, *self.config.hidden)):
            bytes_a_row += width * bool(self.uses.dropout[layer])
        bytes_a_row += self.dataset.n_features * (4 * bool(self.uses.jitter) + bool(self.uses.cutout))
        return self._rows_per_step * bytes_a_row

    def batches(self, begin: int, end: int) -> program.Batches:
        """Return what the steps from `begin` to before `end` train on, 0-based.

        It is overwritten by the next call of any source in this thread.
        """
        _workspace.begin()
        size = self.config.batch_size
        steps = np.arange(begin, end)
        epochs, places = np.divmod(steps, self.steps_per_epoch)
        sizes = np.minimum(size, self.dataset.n_train - places * size)
        slabs = self._slabs(begin, end)
        last = slabs[:, 1] - 1
        every = self.shard.plan.output_every
        ends = places[last] == self.steps_per_epoch - 1
        rows, y = self._ordered(streams.order, begin, end)
        if self.uses.mixup:
            mixup_rows, mixup_y = self._ordered(streams.mixup_order, begin, end)
        else:
            mixup_rows, mixup_y = rows[:0], y[:0]
        # Not by numpy's own power, whose last bit might depend on how many there are.
        powers = [[beta ** (step + 1) for beta in program.ADAM_BETAS] for step in steps.tolist()]
        return program.Batches(
            slabs=slabs.astype(np.int32),
            last_sizes=sizes[last].astype(np.int32),
            ends_epoch=ends,
            keeps_outputs=ends & ((epochs[last] + 1) % every == 0) if every else np.zeros_like(ends),
            scalars=np.column_stack([sizes, powers]).astype(self.dtype),
            rows=shared(rows),
            y=shared(y),
            mixup_rows=shared(mixup_rows),
            mixup_y=shared(mixup_y),
            **self._drawn(begin, end),
        )

    def _slabs(self, begin: int, end: int) -> NDArray[np.int64]:
        """Return the first step of each slab and the one after its last, counted from `begin`.

        A slab ends with an epoch, whose last batch may be smaller, or where its inputs would leave the cache.
        """
        n_steps = max(1, _SLAB_BYTES // (4 * self._rows_per_step * self.dataset.n_features))
        bounds = [begin]
        while bounds[-1] < end:
            of_epoch = bounds[-1] % self.steps_per_epoch
            bounds.append(min(end, bounds[-1] + n_steps, bounds[-1] - of_epoch + self.steps_per_epoch))
        return np.array(list(pairwise(bounds))) - begin

    def _ordered(
        self, order: Callable[[Replicate, int, int], Any], begin: int, end: int
    ) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Return pool rows and targets of the steps, [K, R, batch_size]; the last of an epoch filled up."""
        first, last = begin // self.steps_per_epoch, (end - 1) // self.steps_per_epoch
        n, size = self.dataset.n_train, self.config.batch_size
        of_call = slice(begin - first * self.steps_per_epoch, end - first * self.steps_per_epoch)
        shape = (end - begin, self.n_replicates, size)
        rows, y = _workspace.array(shape, np.int32), _workspace.array(shape, self.label_dtype)
        places = np.zeros((last - first + 1, self.steps_per_epoch * size), np.int64)
        for r, replicate in enumerate(self.shard.replicates):
            for epoch in range(first, last + 1):
                places[epoch - first, :n] = self.trained[r][order(replicate, epoch, n)]
            by_step = places.reshape(-1, size)[of_call]
            rows[:, r] = self.rows[r].train[by_step]
            y[:, r] = self.rows[r].y_train[by_step]
        return rows, y

    def _drawn(self, begin: int, end: int) -> dict[str, Any]:
        """Return the masks and the augmentation of the steps, drawn block by block."""
        n_features, uses = self.dataset.n_features, self.uses
        shape = (end - begin, self.n_replicates, self.config.batch_size)

        def room(used: Any, *rest: int, dtype: Any, fill: Any = 0) -> NDArray[Any]:
            return _workspace.array((*(shape if used else (0, 0, 0)), *rest), dtype, fill)

        each = [streams.mask_rates(replicate.config) for replicate in self.shard.replicates]
        # Where all draw masks, nothing is left of what the room is filled with.
        dropout = tuple(
            room(used, width, dtype=bool, fill=None if all(of_layer) else True)
            for used, width, *of_layer in zip(
                uses.dropout, (n_features, *self.config.hidden), *each, strict=True
            )
        )
        jitter = room(uses.jitter, n_features, dtype=np.float32)
        geometry = room(uses.geometry, 8, dtype=np.float32)
        geometry[..., [0, 4]] = 1
        cutout = room(uses.cutout, n_features, dtype=bool, fill=True)
        mixup = np.ones((shape[0] if uses.mixup else 0, shape[1], 1, 1), self.dtype)

        for block in range(begin // self.block, (end - 1) // self.block + 1):
            offset = block * self.block
            of_block = slice(max(begin - offset, 0), min(end - offset, self.block))
            of_call = slice(offset + of_block.start - begin, offset + of_block.stop - begin)
            for r, replicate in enumerate(self.shard.replicates):
                if any(streams.mask_rates(replicate.config)):
                    for kept, mask in zip(
                        dropout, streams.dropout_masks(replicate, block, n_features), strict=True
                    ):
                        if mask is not None:
                            kept[of_call, r] = mask[of_block]
                drawn = streams.augmentation(replicate, block, n_features, self.dataset.image_shape)
                if drawn.jitter is not None:
                    jitter[of_call, r] = drawn.jitter[of_block]
                if drawn.mixup is not None:
                    mixup[of_call, r, 0, 0] = drawn.mixup[of_block]
                if drawn.geometry is not None:
                    geometry[of_call, r] = drawn.geometry[of_block]
                if drawn.cutout is not None:
                    cutout[of_call, r] = self._uncovered(drawn.cutout[of_block], replicate.config.cutout)
        return {
            "dropout": tuple(map(shared, dropout)),
            "jitter": shared(jitter),
            "geometry": shared(geometry),
            "cutout": shared(cutout),
            "mixup": mixup,
        }

    def _uncovered(self, corners: NDArray[np.int64], side: int) -> NDArray[np.bool_]:
        height, width = self.dataset.image_shape or (0, 0)

        def covered(first: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
            place = np.arange(n)
            return (place >= first[..., None]) & (place < first[..., None] + side)

        squares = (
            covered(corners[..., 0], height)[..., :, None] & covered(corners[..., 1], width)[..., None, :]
        )
        return ~squares.reshape(*corners.shape[:-1], -1)
