"""Log lines are those that Keras prints, but for its times."""

import contextlib
import io
import re

import keras
import numpy as np
import pytest

from regcore.early_stopping import Replay
from regcore.errors import ConfigError
from regcore.keras_log import ending_lines, epoch_lines, keras_log
from tests.opened_runs import result

VAL_LOSS = [3.0, 1.0, 2.0, 2.5, 0.5]


def trained(penalties=(0.0,) * 5, **fields):
    epochs = [
        {"objective": 10.0 + at, "val_loss": loss, "penalty": penalty}
        for at, (loss, penalty) in enumerate(zip(VAL_LOSS, penalties, strict=True))
    ]
    return result([epochs], batch_size=8, **fields)


def test_lines_of_a_training_that_stopped():
    log = keras_log(trained(patience=2), seed=0)

    assert log.stop == log.lab_stop == Replay(2, 4, 2)
    assert log.lines == (
        "Epoch 1/5", "3/3 - loss: 10.0000 - val_loss: 3.0000",
        "Epoch 2/5", "3/3 - loss: 11.0000 - val_loss: 1.0000",
        "Epoch 3/5", "3/3 - loss: 12.0000 - val_loss: 2.0000",
        "Epoch 4/5", "3/3 - loss: 13.0000 - val_loss: 2.5000",
        "Epoch 4: early stopping",
        "Restoring model weights from the end of the best epoch: 2.",
        "stopped after 4 epochs",
    )  # fmt: skip
    assert log.n_of_epochs == 8


def test_without_restoring_nothing_is_restored():
    lines = keras_log(trained(patience=2, restore_best_weights=False), seed=0).lines
    assert lines[-2:] == ("Epoch 4: early stopping", "stopped after 4 epochs")


def test_a_patience_that_never_fires_restores_all_the_same():
    lines = keras_log(trained(patience=4), seed=0).lines
    assert lines[-2:] == (
        "Restoring model weights from the end of the best epoch: 5.",
        "stopped after 5 epochs",
    )


@pytest.mark.parametrize("fields", [{}, {"patience": 1, "start_from_epoch": 5}])
def test_without_a_rule_or_before_it_begins_all_epochs_are_trained_and_none_restored(fields):
    lines = keras_log(trained(**fields), seed=0).lines
    assert (len(lines), lines[-1]) == (11, "stopped after 5 epochs")


def test_the_penalty_is_in_val_loss_and_moves_the_stop():
    # Data loss plus penalty: 3, 3.5, 3.2, 2.6, 0.7.
    log = keras_log(trained([0.0, 2.5, 1.2, 0.1, 0.2], l2=0.1, patience=2), seed=0)

    assert log.lines[3] == "3/3 - loss: 11.0000 - val_loss: 3.5000"
    assert log.stop == Replay(1, 3, 1)
    assert log.lab_stop == Replay(2, 4, 2)


def test_more_rows_than_train_in_a_batch_are_one_step():
    assert keras_log(trained().with_stopping(), seed=0).lines[1].startswith("3/3 - ")
    one = result([[{"objective": 1.0}]], batch_size=500)
    assert keras_log(one, seed=0).lines[1].startswith("1/1 - loss: 1.0000")


def test_a_network_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"^\(seed, member\) must be a network of the result"):
        keras_log(trained(), seed=3)


def without_times(text):
    return re.sub(r" - \d+s - [\d.]+\S+/step", "", text)


@pytest.mark.parametrize("value", [1.23456, 0.02, 1e-3, 0.00099, 2.5e-7, 123456.789])
def test_numbers_are_written_as_keras_writes_them(value):
    said = io.StringIO()
    logger = keras.callbacks.ProgbarLogger()
    logger.set_params({"verbose": 2, "epochs": 100, "steps": 7})
    with contextlib.redirect_stdout(said):
        logger.on_train_begin()
        logger.on_epoch_begin(16)
        logger.on_epoch_end(16, {"loss": value, "val_loss": value / 3})

    assert tuple(without_times(said.getvalue()).splitlines()) == epoch_lines(17, 100, 7, value, value / 3)


class _Network:
    stop_training = False

    def get_weights(self):
        return 0

    def set_weights(self, weights):
        pass


@pytest.mark.parametrize("patience", [1, 2, 9])
@pytest.mark.parametrize("restore", [True, False])
def test_the_end_is_told_as_keras_tells_it(patience, restore):
    said = io.StringIO()
    callback = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=restore, verbose=1)
    callback.set_model(_Network())
    with contextlib.redirect_stdout(said):
        callback.on_train_begin()
        for epoch, loss in enumerate(VAL_LOSS):
            callback.on_epoch_end(epoch, {"val_loss": loss})
            if callback.model.stop_training:
                break
        callback.on_train_end()
    told = tuple(said.getvalue().splitlines())

    lines = keras_log(trained(patience=patience, restore_best_weights=restore), seed=0).lines

    assert lines[-1 - len(told) : -1] == told
    assert lines[-2 - len(told)].startswith("3/3 - loss")


def test_keras_prints_these_lines_of_a_training_of_its_own():
    said = io.StringIO()
    random = np.random.default_rng(0)
    X, y = random.normal(size=(20, 3)), random.normal(size=20)
    penalty = keras.regularizers.L2(0.01)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu", kernel_regularizer=penalty)])
    model.add(keras.layers.Dense(1))
    model.compile(keras.optimizers.SGD(0.2), "mse")
    stopping = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    with contextlib.redirect_stdout(said):
        found = model.fit(
            X, y, batch_size=8, epochs=30, validation_data=(X[::-1] + 1, y), verbose=2, callbacks=[stopping]
        ).history
    epochs = [
        {"objective": loss, "val_loss": val_loss, "penalty": 0.0}
        for loss, val_loss in zip(found["loss"], found["val_loss"], strict=True)
    ]
    run = result([epochs], batch_size=8, epochs=30, patience=2)

    log = keras_log(run, seed=0)

    assert log.stop.stopped_epoch == stopping.stopped_epoch + 1
    assert tuple(without_times(said.getvalue()).splitlines()) == log.lines[:-1]


def test_a_training_that_was_not_stopped_has_no_such_line():
    assert ending_lines(None, None, 100) == ("stopped after 100 epochs",)
