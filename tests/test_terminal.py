"""What commands write to a terminal."""

import io
import math

from regcore.terminal import ProgressLine, json_value


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_time_that_is_left_is_what_the_run_says_where_it_says_it():
    terminal = Terminal()
    line = ProgressLine(terminal)
    line.show(0.25, "training", 75.4)
    line.clear()
    assert terminal.getvalue().split("\r")[1] == " 25%  training, 1:15 left"


def test_json_has_no_number_that_is_not_finite():
    value = {"a": (1, math.nan), "b": [math.inf, {"c": "text"}], 3: None}
    assert json_value(value) == {"a": [1, None], "b": [None, {"c": "text"}], "3": None}
