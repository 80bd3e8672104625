"""TensorFlow as it is in a process that trains."""

import logging

from regcore.engine import runtime


def test_first_traces_of_different_programs_are_not_warned_of(caplog):
    logger = logging.getLogger("tensorflow")
    logger.setLevel(logging.WARNING)
    runtime.tensorflow.cache_clear()
    tf = runtime.tensorflow()
    for number in range(12):
        # Of one function, as a class with a `tf.function` has it, but different programs.
        tf.function(_of_this_name(tf))(tf.constant(float(number)))

    assert caplog.records == []
    assert logger.level == logging.ERROR


def _of_this_name(tf):
    def program(x):
        return tf.add(x, 1.0)

    return program
