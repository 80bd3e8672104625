"""The arithmetic of the bench of pages, and one tiny real measurement."""

import pytest

from regcore.bench import pages
from regcore.bench.contenders import Setting, Speed
from regcore.config import Config

DIGITS = Config(data="digits", hidden=(16, 8), epochs=5, seeds=3, dropout_hidden=(0.2, 0.5), l2=1e-3)


def test_what_configurations_share_is_trained_once():
    work = pages.work_of({"baseline": DIGITS.plain(), "stopped": DIGITS.plain().replace(patience=3)})

    assert list(work.values()) == [3 * 5]


def test_networks_of_one_shape_are_summed():
    work = pages.work_of({"none": DIGITS.plain(), "this run": DIGITS, "l2": DIGITS.replace(members=2)})

    assert work == {pages.setting_of(DIGITS.plain()): 15, pages.setting_of(DIGITS): 30}


def test_keras_trains_the_shape_of_the_configuration():
    setting = pages.setting_of(DIGITS)

    assert (setting.n_features, setting.hidden, setting.n_classes) == (64, (16, 8), 10)
    assert (setting.dropout_hidden, setting.l2) == (0.5, 1e-3)
    assert setting.widths == (64, 16, 8, 10)
    assert pages.setting_of(Config(data="sine")).n_classes == 0
    assert pages.setting_of(Config(data="moons")).widths[-1] == 1


def test_a_page_that_is_slower_than_claimed_is_missed():
    setting = Setting()
    fast = pages.Measured("Lab", 2, {setting: 100}, [0.1, 0.1, 0.2], [6.0, 4.0, 12.0])
    slow = pages.Measured("Lab", 2, {setting: 100}, [0.1, 0.1, 0.1], [4.0, 4.0, 6.0])

    assert fast.ratios == pytest.approx([60.0, 40.0, 60.0])
    assert [pages._claim(each).holds for each in (fast, slow)] == [True, False]


def test_one_page_measured_for_real(monkeypatch):
    monkeypatch.setattr(pages, "ON_ARRIVAL", {"Lab": lambda config: {"baseline": DIGITS.plain()}})

    measured = pages.measure("Lab", pages.Effort(2, 1), lambda setting, n: Speed(30.0, 2.0, 2.0))

    assert measured.n_networks == 3
    assert measured.fit == [1.0, 1.0]
    assert min(measured.lab) > 0
