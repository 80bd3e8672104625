"""The compiled step loop: forward, backward and update of R networks side by side, and a look each epoch.

Gradients are written out and the optimizer's step is TensorFlow's own fused one: a tape and an optimizer made
of single operations were half of the time. Every shape is unknown to the compiler, so that one trace serves
every width, number of replicates and numeric knob of a depth, activation, optimizer and task.

A replicate's bits must not depend on what trains beside it. Matrix products, reductions of the last axes and
the fused steps keep that by themselves. Vectorised exp, log and tanh do not: the last few numbers of an array
go through other instructions than the rest. So they are applied to arrays filled up to a multiple of
`LANES`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from regcore.data import Task
from regcore.engine.runtime import tensorflow
from regcore.engine.shard import Array, ShardState

LANES = 16
ADAM_BETAS, _ADAM_EPSILON = (0.9, 0.999), 1e-7  # Keras's defaults

Tensor = Any


class Data(NamedTuple):
    """What the shard's replicates learn from and are measured on, constant during a training.

    Attributes:
        pool: [N, n_features], every row of the data set.
        shift, scale: [R, 1, n_features]; a network sees (pool - shift) / scale.
        rows: [n_blocks, R, n_rows_per_block] int32, the rows measured at the end of an epoch: train, val,
            test, and then as many more as fill the last block.
        looked: [n_blocks, R, n_rows_per_block, n_features], these rows as the networks see them; no blocks
            where that is too much to keep, and they are gathered for each look.
        y: [R, n_train + n_val + n_test], labels or standardized targets.
        n_train, n_val, n_test: () int32.
    """

    pool: Tensor
    shift: Tensor
    scale: Tensor
    rows: Tensor
    looked: Tensor
    y: Tensor
    n_train: Tensor
    n_val: Tensor
    n_test: Tensor


class Uses(NamedTuple):
    """Which parts of a step any replicate uses, () bool each; Python's own bool where that is known before.

    Attributes:
        l2, weight_decay, max_norm, jitter, mixup, geometry, cutout: the field, of any replicate.
        some_l2: l2 of some replicates, and not of others.
        dropout: one for the input and for every hidden layer.
        whole_lanes: whether every hidden layer is a multiple of `LANES` wide.
    """

    l2: Tensor
    some_l2: Tensor
    weight_decay: Tensor
    max_norm: Tensor
    jitter: Tensor
    mixup: Tensor
    geometry: Tensor
    cutout: Tensor
    dropout: tuple[Tensor, ...]
    whole_lanes: Tensor


class Knobs(NamedTuple):
    """Numeric hyperparameters: () where replicates must share it; else [R, 1, 1], or [1, 1, 1] if all do.

    Attributes:
        learning_rate, momentum: ().
        l2, weight_decay, jitter: [R, 1, 1].
        max_norm: [R, 1, 1], infinite where off.
        dropout_scale: one [R, 1, 1] for the input and for every hidden layer, 1 / keep probability.
        image_shape: [2] int32, zeros for a table.
        uses: what is computed at all.
    """

    learning_rate: Tensor
    momentum: Tensor
    l2: Tensor
    weight_decay: Tensor
    max_norm: Tensor
    jitter: Tensor
    dropout_scale: tuple[Tensor, ...]
    image_shape: Tensor
    uses: Uses


class Batches(NamedTuple):
    """What the K steps of one call train on, drawn before. Unused parts have K = 0.

    Steps come in slabs, whose inputs are made ready together. Every batch of a slab is full but its last one.

    Attributes:
        slabs: [n_slabs, 2] int32, the first step of each and the one after its last.
        last_sizes: [n_slabs] int32, rows in the last batch of each.
        ends_epoch: [n_slabs] bool, whether an epoch ends with it.
        keeps_outputs: [n_slabs] bool, whether outputs are kept at the end of that epoch.
        scalars: [K, 3], the rows in each batch, and Adam's two decay rates to the power of the steps taken,
            this one included.
        rows: [K, R, batch_size] int32.
        y: [K, R, batch_size].
        mixup_rows, mixup_y: the same of the rows mixed in.
        mixup: [K, R, 1, 1], lambda; 1 where off.
        jitter: [K, R, batch_size, n_features].
        geometry: [K, R, batch_size, 8].
        cutout: [K, R, batch_size, n_features] bool, False where a pixel is set to zero.
        dropout: one [K, R, batch_size, width] bool for the input and for every hidden layer.
    """

    slabs: Tensor
    last_sizes: Tensor
    ends_epoch: Tensor
    keeps_outputs: Tensor
    scalars: Tensor
    rows: Tensor
    y: Tensor
    mixup_rows: Tensor
    mixup_y: Tensor
    mixup: Tensor
    jitter: Tensor
    geometry: Tensor
    cutout: Tensor
    dropout: tuple[Tensor, ...]


class _Slab(NamedTuple):
    """Steps made ready, each part an array of steps.

    Attributes:
        scalars: [3], as in `Batches`.
        x: [R, n, n_features], augmented, and what input dropout leaves of it.
        y: [R, n, n_outputs].
        kept: one [R, n, width] bool for every hidden layer, where the unit is kept.
    """

    scalars: Tensor
    x: Tensor
    y: Tensor
    kept: tuple[Tensor, ...]


class Program:
    """R networks of one depth, activation, optimizer, task and dtype, and the compiled loop that trains them.

    Attributes:
        kernels, biases, slots: variables; `load` and `state` set and read them.
        n_traces: how often the loop was compiled.
    """

    def __init__(self, depth: int, activation: str, optimizer: str, task: Task, dtype: str) -> None:
        tf = tensorflow()
        self.tf = tf
        self.depth, self.activation, self.optimizer, self.task = depth, activation, optimizer, task
        self.dtype = tf.as_dtype(dtype)
        self.n_traces = 0

        def variables(n: int) -> list[Any]:
            unknown = tf.TensorShape([None, None, None])
            empty = np.zeros((0, 0, 0), dtype)
            return [tf.Variable(empty, shape=unknown, dtype=self.dtype, trainable=False) for _ in range(n)]

        self.kernels, self.biases = variables(depth + 1), variables(depth + 1)
        self.slots = variables((4 if optimizer == "adam" else 2) * (depth + 1))
        self.train = tf.function(self._train, input_signature=self._signature(), autograph=False)
        unknown = tf.TensorSpec([None, None, None], self.dtype)
        self.outputs = tf.function(self._forward, input_signature=[unknown], autograph=False)
        self.activations = tf.function(self._activations, input_signature=[unknown], autograph=False)

    def _signature(self) -> list[Any]:
        tf, real = self.tf, self.dtype
        label = real if self.task == "regression" else tf.int32

        def spec(rank: int, dtype: Any = real) -> Any:
            return tf.TensorSpec([None] * rank, dtype)

        layers = self.depth + 1
        count, flag = spec(0, tf.int32), spec(0, tf.bool)
        data = Data(
            spec(2), spec(3), spec(3), spec(3, tf.int32), spec(4), spec(2, label), count, count, count
        )
        each = spec(3)
        uses = Uses(
            l2=flag, some_l2=flag, weight_decay=flag, max_norm=flag, jitter=flag, mixup=flag, geometry=flag,
            cutout=flag, dropout=(flag,) * layers, whole_lanes=flag,
        )  # fmt: skip
        knobs = Knobs(
            learning_rate=spec(0), momentum=spec(0), l2=each, weight_decay=each, max_norm=each, jitter=each,
            dropout_scale=(each,) * layers, image_shape=tf.TensorSpec([2], tf.int32), uses=uses,
        )  # fmt: skip
        batches = Batches(
            slabs=spec(2, tf.int32), last_sizes=spec(1, tf.int32), ends_epoch=spec(1, tf.bool),
            keeps_outputs=spec(1, tf.bool), scalars=spec(2), rows=spec(3, tf.int32), y=spec(3, label),
            mixup_rows=spec(3, tf.int32), mixup_y=spec(3, label), mixup=spec(4), jitter=spec(4, tf.float32),
            geometry=spec(4, tf.float32), cutout=spec(4, tf.bool), dropout=(spec(4, tf.bool),) * layers,
        )  # fmt: skip
        return [data, knobs, batches, spec(1)]

    def load(self, state: ShardState) -> None:
        """Set every variable."""
        for variable, value in zip(
            (*self.kernels, *self.biases, *self.slots),
            (*state.kernels, *state.biases, *state.slots),
            strict=True,
        ):
            variable.assign(value)

    def state(self, step: int, objective_sum: Array) -> ShardState:
        """Return what the variables hold."""

        def values(variables: list[Any]) -> tuple[Array, ...]:
            return tuple(variable.numpy() for variable in variables)

        return ShardState(step, values(self.kernels), values(self.biases), values(self.slots), objective_sum)

    def _train(self, data: Data, knobs: Knobs, batches: Batches, objective_sum: Tensor) -> tuple[Tensor, ...]:
        """Take the steps of `batches`.

        Returns:
            The objective summed over the epoch under way, [R]; history, [E, R, 12], a row for each epoch that
            ended; and the outputs at those that keep them, [K, R, n_rows, n_outputs].
        """
        self.n_traces += 1
        tf = self.tf
        n_slabs = tf.shape(batches.slabs)[0]
        n_ended = tf.math.count_nonzero(batches.ends_epoch, dtype=tf.int32)
        n_kept = tf.math.count_nonzero(batches.keeps_outputs, dtype=tf.int32)

        def array(size: Tensor, shape: list[Tensor]) -> Tensor:
            # An empty array of unknown shape cannot be stacked: the first place is filled in advance.
            empty = tf.TensorArray(self.dtype, size=tf.maximum(size, 1), element_shape=[None] * len(shape))
            return empty.write(0, tf.zeros(shape, self.dtype))

        def train_slab(
            at: Tensor, total: Tensor, ended: Tensor, kept: Tensor, rows: Tensor, outputs: Tensor
        ) -> Any:
            total = self._take_steps(self._slab(data, knobs, batches, at), knobs, total)
            keep = batches.keeps_outputs[at]

            def look() -> Any:
                scores, measured = self._measure(data, knobs, total)
                kept_outputs = tf.cond(keep, lambda: outputs.write(kept, measured), lambda: outputs)
                return (
                    tf.zeros_like(total),
                    ended + 1,
                    kept + tf.cast(keep, tf.int32),
                    rows.write(ended, scores),
                    kept_outputs,
                )

            return (
                at + 1,
                *tf.cond(batches.ends_epoch[at], look, lambda: (total, ended, kept, rows, outputs)),
            )

        n_replicates, n_rows = tf.unstack(tf.shape(data.y))
        n_outputs = tf.shape(self.kernels[-1].read_value())[2]
        rows = array(n_ended, [n_replicates, 12])
        outputs = array(n_kept, [n_replicates, n_rows, n_outputs])
        zero = tf.constant(0)
        _, total, _, _, rows, outputs = tf.while_loop(
            lambda at, *_: at < n_slabs,
            train_slab,
            (zero, objective_sum, zero, zero, rows, outputs),
            parallel_iterations=1,
        )
        return total, rows.stack()[:n_ended], outputs.stack()[:n_kept]

    def _slab(self, data: Data, knobs: Knobs, batches: Batches, at: Tensor) -> _Slab:
        """Return a slab made ready: what is done for all of its steps together costs less than in each."""
        tf = self.tf
        first, end = batches.slabs[at, 0], batches.slabs[at, 1]

        def part(values: Tensor) -> Tensor:
            return values[first:end]

        def steps(values: Tensor) -> Any:
            each = tf.TensorArray(values.dtype, size=end - first, infer_shape=False).unstack(values)
            last = end - first - 1
            return each.write(last, each.read(last)[:, : batches.last_sizes[at]])

        drawn = batches._replace(
            **{
                name: part(getattr(batches, name))
                for name in (
                    "rows", "y", "mixup_rows", "mixup_y", "mixup", "jitter", "geometry", "cutout"
                )
            }
        )  # fmt: skip
        x = self.inputs(data, drawn.rows)
        x, y = self._augment(data, knobs, drawn, x, self._targets(drawn.y))
        kept_inputs, *kept = map(part, batches.dropout)
        x = self._drop(x, 0, lambda: kept_inputs, knobs)
        uses = knobs.uses.dropout[1:]
        nothing = tf.zeros([end - first, 0, 0, 0], tf.bool)
        return _Slab(
            scalars=tf.TensorArray(self.dtype, size=end - first, element_shape=[3]).unstack(
                part(batches.scalars)
            ),
            x=steps(x),
            y=steps(y),
            kept=tuple(
                steps(tf.cond(use, partial(tf.identity, each), lambda: nothing))
                for use, each in zip(uses, kept, strict=True)
            ),
        )

    def _take_steps(self, slab: _Slab, knobs: Knobs, total: Tensor) -> Tensor:
        """Take the steps of a slab, and return the objective summed over the epoch so far, [R]."""
        tf, uses = self.tf, knobs.uses
        drops = tf.stack([tf.constant(True), *uses.dropout[1:]])
        is_usual = uses.whole_lanes & ~uses.some_l2 & ~uses.weight_decay & ~uses.max_norm
        usual = uses._replace(whole_lanes=True, some_l2=False, weight_decay=False, max_norm=False)

        def loop(uses: Uses) -> Callable[[], Tensor]:
            return lambda: self._loop(slab, knobs._replace(uses=uses), total)

        # To ask costs a step time even where the answer is no, so the most usual answers have loops of their
        # own.
        return tf.case(
            [
                (is_usual & tf.reduce_all(drops), loop(usual._replace(dropout=(True,) * (self.depth + 1)))),
                (
                    is_usual & ~tf.reduce_any(drops[1:]),
                    loop(usual._replace(dropout=(False,) * (self.depth + 1))),
                ),
            ],
            default=loop(uses),
        )

    def _loop(self, slab: _Slab, knobs: Knobs, total: Tensor) -> Tensor:
        # What the loop needs of the knobs is worked out before it.
        n_steps, minus_twice_l2 = slab.scalars.size(), -2 * knobs.l2
        _, total = self.tf.while_loop(
            lambda i, _: i < n_steps,
            lambda i, total: (i + 1, total + self._step(slab, knobs, minus_twice_l2, i)),
            (self.tf.constant(0), total),
            parallel_iterations=1,
        )
        return total

    def _either(self, condition: Tensor, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
        """Return what a condition says; one that is known before leaves no trace in the program."""
        if isinstance(condition, bool):
            return then() if condition else otherwise()
        return self.tf.cond(condition, then, otherwise)

    # One step

    def _step(self, slab: _Slab, knobs: Knobs, minus_twice_l2: Tensor, i: Tensor) -> Tensor:
        """Take step i of a slab and return the objective before it, summed over the batch's rows, [R]."""
        tf = self.tf
        size, *beta_powers = tf.unstack(slab.scalars.read(i))
        x, y = slab.x.read(i), slab.y.read(i)
        kernels = [kernel.read_value() for kernel in self.kernels]
        biases = [bias.read_value() for bias in self.biases]

        # Forward. A layer's kernel is fed what the layer before gave, less what dropout takes out.
        active, fed = [x], [x]
        for layer, kept in enumerate(slab.kept):
            active.append(self._activate(self._layer(fed[layer], kernels[layer], biases[layer])))
            fed.append(self._drop(active[-1], layer + 1, partial(kept.read, i), knobs))
        z = self._layer(fed[-1], kernels[-1], biases[-1])

        loss, gradient = self._loss(z, y)
        gradient = gradient / size

        # Backward. All gradients before any update, so that no kernel changes while it is still read.
        kernel_gradients, bias_gradients = [], []
        for layer in reversed(range(self.depth + 1)):
            kernel_gradients.append(tf.raw_ops.BatchMatMulV2(x=fed[layer], y=gradient, adj_x=True))
            bias_gradients.append(self._bias_gradient(gradient, layer, knobs))
            if layer > 0:
                gradient = tf.raw_ops.BatchMatMulV2(x=gradient, y=kernels[layer], adj_y=True)
                kept = partial(slab.kept[layer - 1].read, i)
                gradient = self._gradient_before(gradient, layer, active[layer], fed[layer], kept, knobs)
        kernel_gradients.reverse()
        bias_gradients.reverse()
        penalty, kernel_gradients = self._with_l2(kernels, kernel_gradients, minus_twice_l2, knobs, loss)
        objective = tf.reduce_sum(loss, axis=1) + penalty * size
        with tf.control_dependencies([*kernel_gradients, *bias_gradients, objective]):
            self._update(kernels, kernel_gradients + bias_gradients, knobs, beta_powers)
        return objective

    def _layer(self, fed: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        return self.tf.raw_ops.BatchMatMulV2(x=fed, y=kernel) + bias

    def _drop(self, x: Tensor, layer: int, kept: Callable[[], Tensor], knobs: Knobs) -> Tensor:
        """Return x with the units that are not kept set to zero, the others scaled up (inverted dropout)."""
        return self._either(
            knobs.uses.dropout[layer],
            lambda: x * self.tf.cast(kept(), self.dtype) * knobs.dropout_scale[layer],
            lambda: x,
        )

    def _gradient_before(
        self,
        gradient: Tensor,
        layer: int,
        active: Tensor,
        fed: Tensor,
        kept: Callable[[], Tensor],
        knobs: Knobs,
    ) -> Tensor:
        """Return the gradient before a hidden layer's dropout and activation."""
        tf = self.tf
        if self.activation == "tanh":
            gradient = self._drop(gradient, layer, kept, knobs)
            return tf.raw_ops.TanhGrad(y=active, dy=gradient)
        # What was fed on is positive exactly where the unit was kept and its sum positive: one gate for both.
        scale = knobs.dropout_scale[layer]
        gradient = self._either(knobs.uses.dropout[layer], lambda: gradient * scale, lambda: gradient)
        return tf.raw_ops.ReluGrad(gradients=gradient, features=fed)

    def _bias_gradient(self, gradient: Tensor, layer: int, knobs: Knobs) -> Tensor:
        """Return a layer's gradient summed over the rows, [R, n, width] -> [R, 1, width]."""
        tf = self.tf
        if layer < self.depth:
            return self._either(
                knobs.uses.whole_lanes,
                # In whole lanes all sums are made by the same instructions.
                lambda: tf.reduce_sum(gradient, axis=1, keepdims=True),
                lambda: self._sum_rows(gradient),
            )
        if self.task == "multiclass":
            return self._sum_rows(gradient)
        return tf.reduce_sum(gradient[:, :, 0], axis=1)[:, None, None]

    def _with_l2(
        self,
        kernels: list[Tensor],
        gradients: list[Tensor],
        minus_twice_l2: Tensor,
        knobs: Knobs,
        loss: Tensor,
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the penalty, [R], and the kernels' gradients with it."""
        tf = self.tf
        penalised = self._penalised()

        def with_it() -> Any:
            # Where l2 is 0 the gradient keeps its bits: the term is 0 even for a weight beyond all numbers,
            # and taking 0 away, unlike adding it, leaves -0 as it is.
            terms = [
                self._either(
                    knobs.uses.some_l2,
                    partial(tf.math.multiply_no_nan, kernels[layer], minus_twice_l2),
                    partial(tf.math.multiply, kernels[layer], minus_twice_l2),
                )
                for layer in penalised
            ]
            changed = [gradients[layer] - term for layer, term in zip(penalised, terms, strict=True)]
            return self._penalty(kernels, knobs), *changed

        def without() -> Any:
            return tf.zeros_like(loss[:, 0]), *(gradients[layer] for layer in penalised)

        penalty, *changed = self._either(knobs.uses.l2, with_it, without)
        return penalty, [*changed, *gradients[len(changed) :]]

    def _penalised(self) -> range:
        """Return the layers that l2 and weight decay act on: the hidden ones; a linear model's only one."""
        return range(max(self.depth, 1))

    def _penalty(self, kernels: list[Tensor], knobs: Knobs) -> Tensor:
        tf = self.tf
        return tf.math.multiply_no_nan(self._squared_norm(kernels), knobs.l2[:, 0, 0])

    def _squared_norm(self, kernels: list[Tensor]) -> Tensor:
        """Return the sum of the squares of all weights that are penalised, [R]."""
        tf = self.tf
        norms = [tf.raw_ops.EuclideanNorm(input=kernels[layer], axis=[1, 2]) for layer in self._penalised()]
        return tf.add_n([tf.square(norm) for norm in norms])

    def inputs(self, data: Data, rows: Tensor) -> Tensor:
        """Return the rows at these places of the pool, [..., R, n], as the networks see them."""
        return (self.tf.gather(data.pool, rows) - data.shift) / data.scale

    def _targets(self, y: Tensor) -> Tensor:
        """Return targets as the output layer has them: [..., n_outputs], one-hot for several classes."""
        tf = self.tf
        if self.task == "multiclass":
            return tf.one_hot(y, tf.shape(self.kernels[-1])[2], dtype=self.dtype)
        return tf.cast(y, self.dtype)[..., None]

    def _activate(self, z: Tensor) -> Tensor:
        if self.activation == "relu":
            return self.tf.nn.relu(z)
        return self._in_lanes(self.tf.tanh, z)

    def _update(
        self, kernels: list[Tensor], gradients: list[Tensor], knobs: Knobs, beta_powers: list[Tensor]
    ) -> None:
        tf = self.tf
        variables = self.kernels + self.biases

        def decay() -> Tensor:
            for layer in self._penalised():
                self.kernels[layer].assign(kernels[layer] * (1 - knobs.learning_rate * knobs.weight_decay))
            return tf.constant(0)

        self._either(knobs.uses.weight_decay, decay, lambda: tf.constant(0))
        n = len(variables)
        if self.optimizer == "adam":
            beta_1, beta_2 = (tf.constant(beta, self.dtype) for beta in ADAM_BETAS)
            for variable, first, second, gradient in zip(
                variables, self.slots[:n], self.slots[n:], gradients, strict=True
            ):
                tf.raw_ops.ResourceApplyAdam(
                    var=variable.handle, m=first.handle, v=second.handle,
                    beta1_power=beta_powers[0], beta2_power=beta_powers[1], lr=knobs.learning_rate,
                    beta1=beta_1, beta2=beta_2, epsilon=tf.constant(_ADAM_EPSILON, self.dtype), grad=gradient,
                )  # fmt: skip
        else:
            for variable, velocity, gradient in zip(variables, self.slots, gradients, strict=True):
                tf.raw_ops.ResourceApplyKerasMomentum(
                    var=variable.handle, accum=velocity.handle, lr=knobs.learning_rate, grad=gradient,
                    momentum=knobs.momentum,
                )  # fmt: skip

        def clip() -> Tensor:
            for kernel in self.kernels[: self.depth]:
                value = kernel.read_value()
                norm = tf.sqrt(self._sum_rows(tf.square(value)))
                kernel.assign(value * tf.where(norm > knobs.max_norm, knobs.max_norm / norm, 1))
            return tf.constant(0)

        self._either(knobs.uses.max_norm, clip, lambda: tf.constant(0))

    # Loss

    def _loss(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return each row's loss, [R, n], and its gradient by z, [R, n, n_outputs]."""
        tf = self.tf
        if self.task == "regression":
            difference = z - y
            n_outputs = tf.cast(tf.shape(z)[2], self.dtype)
            return tf.reduce_mean(tf.square(difference), axis=2), 2 * difference / n_outputs
        if self.task == "binary":
            # log(1 + e^z) - y z, written so that e is never raised to a positive power.
            loss = tf.maximum(z, 0) - z * y + self._in_lanes(lambda v: tf.math.log1p(tf.exp(-tf.abs(v))), z)
            return loss[:, :, 0], self._in_lanes(tf.sigmoid, z) - y
        # Written out: TensorFlow's fused cross-entropy works in blocks of rows and computes the last numbers
        # of a block by other instructions, so that a row's gradient would depend on the rows beside it.
        shifted = z - tf.reduce_max(z, axis=2, keepdims=True)
        exponentials = self._in_lanes(tf.exp, shifted)
        total = tf.reduce_sum(exponentials, axis=2, keepdims=True)
        log_p = shifted - self._in_lanes(tf.math.log, total)
        return -tf.reduce_sum(y * log_p, axis=2), exponentials / total - y

    def _sum_rows(self, x: Tensor) -> Tensor:
        """Return the sum over axis 1, [R, n, width] -> [R, 1, width].

        As a product with ones: of all reductions, that over a middle axis alone was found to depend on R (at
            widths of 10 and 13 and 32 rows).
        """
        tf = self.tf
        return tf.raw_ops.BatchMatMulV2(x=tf.ones([1, 1, tf.shape(x)[1]], self.dtype), y=x)

    def _in_lanes(self, function: Any, x: Tensor) -> Tensor:
        """Return function(x), with the last numbers computed by the same instructions as all others."""
        tf = self.tf
        flat = tf.reshape(x, [-1])
        n = tf.shape(flat)[0]
        return tf.reshape(function(tf.pad(flat, [[0, -n % LANES]]))[:n], tf.shape(x))

    # Augmentation: jitter after everything that moves pixels, mixup last

    def _augment(
        self, data: Data, knobs: Knobs, drawn: Batches, x: Tensor, y: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of some steps, [K, R, n, ...], as they are trained on."""
        tf, uses = self.tf, knobs.uses

        def geometry() -> Tensor:
            images = tf.reshape(x, tf.concat([[-1], knobs.image_shape, [1]], 0))
            moved = tf.raw_ops.ImageProjectiveTransformV3(
                images=images, transforms=tf.reshape(drawn.geometry, [-1, 8]),
                output_shape=knobs.image_shape, fill_value=0.0, interpolation="BILINEAR",
                fill_mode="CONSTANT",
            )  # fmt: skip
            return tf.reshape(moved, tf.shape(x))

        def cutout() -> Tensor:
            return x * tf.cast(drawn.cutout, self.dtype)

        def jitter() -> Tensor:
            return x + knobs.jitter * tf.cast(drawn.jitter, self.dtype)

        def mixup() -> tuple[Tensor, Tensor]:
            share = drawn.mixup
            other, other_y = self.inputs(data, drawn.mixup_rows), self._targets(drawn.mixup_y)
            return share * x + (1 - share) * other, share * y + (1 - share) * other_y

        x = tf.cond(uses.geometry, geometry, lambda: x)
        x = tf.cond(uses.cutout, cutout, lambda: x)
        x = tf.cond(uses.jitter, jitter, lambda: x)
        mixed: tuple[Tensor, Tensor] = tf.cond(uses.mixup, mixup, lambda: (x, y))
        return mixed

    # A clean look

    def _measure(self, data: Data, knobs: Knobs, total: Tensor) -> tuple[Tensor, Tensor]:
        """Return one row of history a replicate, [R, 12], and the outputs it was computed from."""
        tf = self.tf
        n_rows = data.n_train + data.n_val + data.n_test
        n_blocks = tf.shape(data.rows)[0]
        is_kept = tf.shape(data.looked)[0] > 0
        blocks = tf.TensorArray(self.dtype, size=n_blocks, element_shape=[None, None, None])

        def seen(block: Tensor) -> Tensor:
            return tf.cond(
                is_kept,
                lambda: data.looked[block],
                lambda: self.inputs(data, data.rows[block]),
            )

        _, blocks = tf.while_loop(
            lambda block, _: block < n_blocks,
            lambda block, done: (block + 1, done.write(block, self._forward(seen(block)))),
            (tf.constant(0), blocks),
            parallel_iterations=1,
        )
        outputs = tf.transpose(blocks.stack(), [1, 0, 2, 3])
        shape = tf.shape(outputs)
        outputs = tf.reshape(outputs, [shape[0], shape[1] * shape[2], shape[3]])[:, :n_rows]

        y = self._targets(data.y)
        loss, gradient = self._loss(outputs, y)
        if self.task == "regression":
            error = tf.reduce_mean(tf.abs(outputs - y), axis=2)
            brier = tf.fill(tf.shape(loss), tf.constant(np.nan, self.dtype))
        else:
            # The gradient of cross-entropy is prediction minus target.
            brier = tf.reduce_sum(tf.square(gradient), axis=2)
            if self.task == "binary":
                wrong = tf.not_equal(outputs[:, :, 0] > 0, data.y > 0)
            else:
                wrong = tf.not_equal(tf.argmax(outputs, axis=2, output_type=tf.int32), data.y)
            # A comparison with NaN is neither true nor false: a network that diverged has no error either.
            error = tf.where(tf.math.is_nan(loss), loss, tf.cast(wrong, self.dtype))

        kernels = [kernel.read_value() for kernel in self.kernels]
        columns = [
            total / tf.cast(data.n_train, self.dtype),
            self._penalty(kernels, knobs),
            tf.sqrt(self._squared_norm(kernels)),
        ]
        start = tf.constant(0)
        for n in (data.n_train, data.n_val, data.n_test):
            columns += [tf.reduce_mean(row[:, start : start + n], axis=1) for row in (loss, error, brier)]
            start += n
        return tf.stack(columns, axis=1), outputs

    def _forward(self, x: Tensor) -> Tensor:
        """Return the outputs for scaled rows, [R, n, n_features] -> [R, n, n_outputs], dropout off."""
        return self._layers(x)[-1]

    def _activations(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return what every hidden layer gives for scaled rows, [R, n, width] each, dropout off."""
        return tuple(self._layers(x)[:-1])

    def _layers(self, x: Tensor) -> list[Tensor]:
        given = []
        for layer, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            x = self._layer(x, kernel.read_value(), bias.read_value())
            if layer < self.depth:
                x = self._activate(x)
            given.append(x)
        return given


@cache
def program(depth: int, activation: str, optimizer: str, task: Task, dtype: str) -> Program:
    """Return this process's program for networks of one kind; it is compiled when first used."""
    return Program(depth, activation, optimizer, task, dtype)
