"""The compiled step loop: forward, backward and update of R networks side by side, and a look each epoch.

Gradients are written out and the optimizer's step is TensorFlow's own fused one: a tape and an optimizer made
of single operations were half of the time. Every shape is unknown to the compiler, so that one trace serves
every width, number of replicates and numeric knob of a depth, activation, optimizer and task.

A replicate's bits must not depend on what trains beside it. Matrix products, reductions of the last axes and
the fused steps keep that by themselves. Vectorised exp, log and tanh do not: the last few numbers of an array
go through other instructions than the rest. So they are applied to arrays filled up to a multiple of
`_LANES`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from regcore.data import Task
from regcore.engine.runtime import tensorflow
from regcore.engine.shard import Array, ShardState

_LANES = 16
_ADAM_BETA_1, _ADAM_BETA_2, _ADAM_EPSILON = 0.9, 0.999, 1e-7  # Keras's defaults

Tensor = Any


class Data(NamedTuple):
    """What the shard's replicates learn from and are measured on, constant during a training.

    Attributes:
        pool: [N, n_features], every row of the data set.
        shift, scale: [R, 1, n_features]; a network sees (pool - shift) / scale.
        rows: [R, n_blocks, n_rows_per_block] int32, the rows measured at the end of an epoch: train, val,
            test, and then as many more as fill the last block.
        y: [R, n_train + n_val + n_test], labels or standardized targets.
        n_train, n_val, n_test: () int32.
    """

    pool: Tensor
    shift: Tensor
    scale: Tensor
    rows: Tensor
    y: Tensor
    n_train: Tensor
    n_val: Tensor
    n_test: Tensor


class Knobs(NamedTuple):
    """Numeric hyperparameters: [R, 1, 1] where replicates may differ, () where they share it.

    Attributes:
        learning_rate, momentum: ().
        l2, weight_decay, jitter: [R, 1, 1].
        max_norm: [R, 1, 1], infinite where off.
        dropout_scale: one [R, 1, 1] for the input and for every hidden layer, 1 / keep probability.
        uses_l2, uses_weight_decay, uses_max_norm, uses_jitter, uses_mixup, uses_geometry, uses_cutout: ()
            bool, whether any replicate does.
        uses_dropout: one () bool for the input and for every hidden layer.
        image_shape: [2] int32, zeros for a table.
    """

    learning_rate: Tensor
    momentum: Tensor
    l2: Tensor
    weight_decay: Tensor
    max_norm: Tensor
    jitter: Tensor
    dropout_scale: tuple[Tensor, ...]
    uses_l2: Tensor
    uses_weight_decay: Tensor
    uses_max_norm: Tensor
    uses_jitter: Tensor
    uses_mixup: Tensor
    uses_geometry: Tensor
    uses_cutout: Tensor
    uses_dropout: tuple[Tensor, ...]
    image_shape: Tensor


class Batches(NamedTuple):
    """What the steps of one call train on, drawn before; K steps. Unused parts have K = 0.

    Attributes:
        step: () int32, how many steps were taken before.
        sizes: [K] int32, rows in each batch.
        ends_epoch: [K] int32, the 1-based epoch that ends with the step, or 0.
        keeps_outputs: [K] bool, whether outputs are kept at the end of that epoch.
        rows: [K, R, batch_size] int32.
        y: [K, R, batch_size].
        mixup_rows, mixup_y: the same of the rows mixed in.
        mixup: [K, R, 1, 1], lambda; 1 where off.
        jitter: [K, R, batch_size, n_features].
        geometry: [K, R, batch_size, 8].
        cutout: [K, R, batch_size, n_features] bool, False where a pixel is set to zero.
        dropout: one [K, R, batch_size, width] bool for the input and for every hidden layer.
    """

    step: Tensor
    sizes: Tensor
    ends_epoch: Tensor
    keeps_outputs: Tensor
    rows: Tensor
    y: Tensor
    mixup_rows: Tensor
    mixup_y: Tensor
    mixup: Tensor
    jitter: Tensor
    geometry: Tensor
    cutout: Tensor
    dropout: tuple[Tensor, ...]


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
        data = Data(spec(2), spec(3), spec(3), spec(3, tf.int32), spec(2, label), count, count, count)
        each = spec(3)
        knobs = Knobs(
            learning_rate=spec(0), momentum=spec(0), l2=each, weight_decay=each, max_norm=each, jitter=each,
            dropout_scale=(each,) * layers, uses_l2=flag, uses_weight_decay=flag, uses_max_norm=flag,
            uses_jitter=flag, uses_mixup=flag, uses_geometry=flag, uses_cutout=flag,
            uses_dropout=(flag,) * layers, image_shape=tf.TensorSpec([2], tf.int32),
        )  # fmt: skip
        batches = Batches(
            step=count, sizes=spec(1, tf.int32), ends_epoch=spec(1, tf.int32), keeps_outputs=spec(1, tf.bool),
            rows=spec(3, tf.int32), y=spec(3, label), mixup_rows=spec(3, tf.int32), mixup_y=spec(3, label),
            mixup=spec(4), jitter=spec(4, tf.float32), geometry=spec(4, tf.float32), cutout=spec(4, tf.bool),
            dropout=(spec(4, tf.bool),) * layers,
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
        n_steps = tf.shape(batches.sizes)[0]
        n_ended = tf.math.count_nonzero(batches.ends_epoch, dtype=tf.int32)
        n_kept = tf.math.count_nonzero(batches.keeps_outputs, dtype=tf.int32)

        def array(size: Tensor, shape: list[Tensor]) -> Tensor:
            # An empty array of unknown shape cannot be stacked: the first place is filled in advance.
            empty = tf.TensorArray(self.dtype, size=tf.maximum(size, 1), element_shape=[None] * len(shape))
            return empty.write(0, tf.zeros(shape, self.dtype))

        def step(i: Tensor, total: Tensor, ended: Tensor, kept: Tensor, rows: Tensor, outputs: Tensor) -> Any:
            total = total + self._step(data, knobs, batches, i) * tf.cast(batches.sizes[i], self.dtype)
            keep = batches.keeps_outputs[i]

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
                i + 1,
                *tf.cond(batches.ends_epoch[i] > 0, look, lambda: (total, ended, kept, rows, outputs)),
            )

        n_replicates, n_rows = tf.unstack(tf.shape(data.y))
        n_outputs = tf.shape(self.kernels[-1].read_value())[2]
        rows = array(n_ended, [n_replicates, 12])
        outputs = array(n_kept, [n_replicates, n_rows, n_outputs])
        zero = tf.constant(0)
        _, total, _, _, rows, outputs = tf.while_loop(
            lambda i, *_: i < n_steps,
            step,
            (zero, objective_sum, zero, zero, rows, outputs),
            parallel_iterations=1,
        )
        return total, rows.stack()[:n_ended], outputs.stack()[:n_kept]

    # One step

    def _step(self, data: Data, knobs: Knobs, batches: Batches, i: Tensor) -> Tensor:
        """Take step i of `batches` and return the objective before it, [R]."""
        tf = self.tf
        size = batches.sizes[i]
        x = self._inputs(data, batches.rows[i, :, :size])
        y = self._targets(batches.y[i, :, :size], x)
        x, y = self._augment(data, knobs, batches, i, x, y)
        kernels = [kernel.read_value() for kernel in self.kernels]
        biases = [bias.read_value() for bias in self.biases]

        # Forward. A layer's kernel is fed what the layer before gave, less what dropout takes out.
        active = [x]
        fed = [self._drop(x, 0, knobs, batches, i)]
        for layer in range(self.depth):
            active.append(self._activate(self._layer(fed[layer], kernels[layer], biases[layer])))
            fed.append(self._drop(active[-1], layer + 1, knobs, batches, i))
        z = self._layer(fed[-1], kernels[-1], biases[-1])

        loss, gradient = self._loss(z, y)
        gradient = gradient / tf.cast(size, self.dtype)
        objective = tf.reduce_mean(loss, axis=1) + tf.cond(
            knobs.uses_l2, lambda: self._penalty(kernels, knobs), lambda: tf.zeros_like(loss[:, 0])
        )

        # Backward. All gradients before any update, so that no kernel changes while it is still read.
        kernel_gradients, bias_gradients = [], []
        for layer in reversed(range(self.depth + 1)):
            kernel_gradients.append(tf.raw_ops.BatchMatMulV2(x=fed[layer], y=gradient, adj_x=True))
            bias_gradients.append(self._sum_rows(gradient))
            if layer > 0:
                gradient = tf.raw_ops.BatchMatMulV2(x=gradient, y=kernels[layer], adj_y=True)
                gradient = self._gradient_before(
                    gradient, layer, active[layer], fed[layer], knobs, batches, i
                )
        kernel_gradients.reverse()
        bias_gradients.reverse()
        for layer in self._penalised():
            kernel_gradients[layer] = self._with_l2(kernel_gradients[layer], kernels[layer], knobs)
        with tf.control_dependencies([*kernel_gradients, *bias_gradients, objective]):
            self._update(kernels, kernel_gradients + bias_gradients, knobs, batches.step + i)
        return objective

    def _layer(self, fed: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        return self.tf.raw_ops.BatchMatMulV2(x=fed, y=kernel) + bias

    def _drop(self, x: Tensor, layer: int, knobs: Knobs, batches: Batches, i: Tensor) -> Tensor:
        """Return x with the units that step i drops set to zero, the others scaled up (inverted dropout)."""

        def dropped() -> Tensor:
            mask = batches.dropout[layer][i, :, : batches.sizes[i]]
            return x * self.tf.cast(mask, self.dtype) * knobs.dropout_scale[layer]

        return self.tf.cond(knobs.uses_dropout[layer], dropped, lambda: x)

    def _gradient_before(
        self,
        gradient: Tensor,
        layer: int,
        active: Tensor,
        fed: Tensor,
        knobs: Knobs,
        batches: Batches,
        i: Tensor,
    ) -> Tensor:
        """Return the gradient before a hidden layer's dropout and activation."""
        tf = self.tf
        if self.activation == "tanh":
            gradient = self._drop(gradient, layer, knobs, batches, i)
            return tf.raw_ops.TanhGrad(y=active, dy=gradient)
        # What was fed on is positive exactly where the unit was kept and its sum positive: one gate for both.
        scale = knobs.dropout_scale[layer]
        gradient = tf.cond(knobs.uses_dropout[layer], lambda: gradient * scale, lambda: gradient)
        return tf.raw_ops.ReluGrad(gradients=gradient, features=fed)

    def _with_l2(self, gradient: Tensor, kernel: Tensor, knobs: Knobs) -> Tensor:
        # Where l2 is 0 the gradient keeps its bits: the term is 0 even for a weight beyond all numbers, and
        # taking 0 away, unlike adding it, leaves -0 as it is.
        tf = self.tf
        return tf.cond(
            knobs.uses_l2,
            lambda: gradient - tf.math.multiply_no_nan(kernel, -2 * knobs.l2),
            lambda: gradient,
        )

    def _penalised(self) -> range:
        """Return the layers that l2 and weight decay act on: the hidden ones; a linear model's only one."""
        return range(max(self.depth, 1))

    def _penalty(self, kernels: list[Tensor], knobs: Knobs) -> Tensor:
        tf = self.tf
        squares = [tf.reduce_sum(tf.square(kernels[layer]), axis=[1, 2]) for layer in self._penalised()]
        return tf.math.multiply_no_nan(tf.add_n(squares), knobs.l2[:, 0, 0])

    def _inputs(self, data: Data, rows: Tensor) -> Tensor:
        return (self.tf.gather(data.pool, rows) - data.shift) / data.scale

    def _targets(self, y: Tensor, x: Tensor) -> Tensor:
        """Return targets as the output layer has them: [R, n, n_outputs], one-hot for several classes."""
        tf = self.tf
        if self.task == "multiclass":
            return tf.one_hot(y, tf.shape(self.kernels[-1])[2], dtype=self.dtype)
        return tf.cast(y, self.dtype)[:, :, None]

    def _activate(self, z: Tensor) -> Tensor:
        if self.activation == "relu":
            return self.tf.nn.relu(z)
        return self._in_lanes(self.tf.tanh, z)

    def _update(self, kernels: list[Tensor], gradients: list[Tensor], knobs: Knobs, step: Tensor) -> None:
        tf = self.tf
        variables = self.kernels + self.biases

        def decay() -> Tensor:
            for layer in self._penalised():
                self.kernels[layer].assign(kernels[layer] * (1 - knobs.learning_rate * knobs.weight_decay))
            return tf.constant(0)

        tf.cond(knobs.uses_weight_decay, decay, lambda: tf.constant(0))
        n = len(variables)
        if self.optimizer == "adam":
            taken = tf.cast(step + 1, tf.float64)
            powers = {
                f"beta{k}_power": tf.cast(tf.pow(tf.constant(beta, tf.float64), taken), self.dtype)
                for k, beta in ((1, _ADAM_BETA_1), (2, _ADAM_BETA_2))
            }
            for variable, first, second, gradient in zip(
                variables, self.slots[:n], self.slots[n:], gradients, strict=True
            ):
                tf.raw_ops.ResourceApplyAdam(
                    var=variable.handle, m=first.handle, v=second.handle, **powers, lr=knobs.learning_rate,
                    beta1=tf.constant(_ADAM_BETA_1, self.dtype), beta2=tf.constant(_ADAM_BETA_2, self.dtype),
                    epsilon=tf.constant(_ADAM_EPSILON, self.dtype), grad=gradient,
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

        tf.cond(knobs.uses_max_norm, clip, lambda: tf.constant(0))

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
        return tf.reshape(function(tf.pad(flat, [[0, -n % _LANES]]))[:n], tf.shape(x))

    # Augmentation: jitter after everything that moves pixels, mixup last

    def _augment(
        self, data: Data, knobs: Knobs, batches: Batches, i: Tensor, x: Tensor, y: Tensor
    ) -> tuple[Tensor, Tensor]:
        tf = self.tf
        size = batches.sizes[i]

        def geometry() -> Tensor:
            shape = tf.shape(x)
            images = tf.reshape(x, tf.concat([[-1], knobs.image_shape, [1]], 0))
            moved = tf.raw_ops.ImageProjectiveTransformV3(
                images=images, transforms=tf.reshape(batches.geometry[i, :, :size], [-1, 8]),
                output_shape=knobs.image_shape, fill_value=0.0, interpolation="BILINEAR",
                fill_mode="CONSTANT",
            )  # fmt: skip
            return tf.reshape(moved, shape)

        def cutout() -> Tensor:
            return x * tf.cast(batches.cutout[i, :, :size], self.dtype)

        def jitter() -> Tensor:
            return x + knobs.jitter * tf.cast(batches.jitter[i, :, :size], self.dtype)

        def mixup() -> tuple[Tensor, Tensor]:
            share = batches.mixup[i]
            other = self._inputs(data, batches.mixup_rows[i, :, :size])
            other_y = self._targets(batches.mixup_y[i, :, :size], other)
            return share * x + (1 - share) * other, share * y + (1 - share) * other_y

        x = tf.cond(knobs.uses_geometry, geometry, lambda: x)
        x = tf.cond(knobs.uses_cutout, cutout, lambda: x)
        x = tf.cond(knobs.uses_jitter, jitter, lambda: x)
        mixed: tuple[Tensor, Tensor] = tf.cond(knobs.uses_mixup, mixup, lambda: (x, y))
        return mixed

    # A clean look

    def _measure(self, data: Data, knobs: Knobs, total: Tensor) -> tuple[Tensor, Tensor]:
        """Return one row of history a replicate, [R, 12], and the outputs it was computed from."""
        tf = self.tf
        n_rows = data.n_train + data.n_val + data.n_test
        n_blocks = tf.shape(data.rows)[1]
        blocks = tf.TensorArray(self.dtype, size=n_blocks, element_shape=[None, None, None])
        _, blocks = tf.while_loop(
            lambda block, _: block < n_blocks,
            lambda block, done: (
                block + 1,
                done.write(block, self._forward(self._inputs(data, data.rows[:, block]))),
            ),
            (tf.constant(0), blocks),
            parallel_iterations=1,
        )
        outputs = tf.transpose(blocks.stack(), [1, 0, 2, 3])
        shape = tf.shape(outputs)
        outputs = tf.reshape(outputs, [shape[0], shape[1] * shape[2], shape[3]])[:, :n_rows]

        y = self._targets(data.y, outputs)
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
        squares = [tf.reduce_sum(tf.square(kernels[layer]), axis=[1, 2]) for layer in self._penalised()]
        columns = [
            total / tf.cast(data.n_train, self.dtype),
            self._penalty(kernels, knobs),
            tf.sqrt(tf.add_n(squares)),
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
