"""The share button: a link leads back to its experiment, and its numbers are told from others."""

import pytest

from pages.ui import share, state
from regcore.config import Config
from regcore.provenance import Made

MADE = Made("a" * 16, "b" * 16)
ADDRESS = "https://lab.example/lab"


def test_a_link_has_address_experiment_and_where_it_was_made():
    config = Config(data="digits", hidden=(32, 16), l2=0.001)

    assert share.link(ADDRESS, config, MADE) == (
        f"{ADDRESS}?data=digits&hidden=32,16&l2=0.001&made={'a' * 16}-{'b' * 16}"
    )


def test_a_link_without_numbers_or_address_is_the_experiment_alone():
    assert share.link(None, Config(), None) == "?data=moons"


def test_a_link_leads_back_to_its_experiment():
    config = Config(data="wine", dropout_hidden=(0.5, 0.25), patience=3, member_varies=())
    query = share.link(ADDRESS, config, None).removeprefix(ADDRESS)

    assert Config.from_query(query) == (config, None)


@pytest.mark.parametrize(
    ("engine", "numbers", "said"),
    [
        ("a" * 16, "b" * 16, share.ORIGINS["here"]),
        ("c" * 16, "b" * 16, share.ORIGINS["here"]),
        ("c" * 16, "d" * 16, share.ORIGINS["elsewhere"]),
        ("a" * 16, "d" * 16, share.ORIGINS["changed"]),
        ("c" * 16, None, share.ORIGINS["elsewhere"]),
        ("a" * 16, None, share.WAITING),
        (None, None, share.WAITING),
        (None, "d" * 16, share.WAITING),
    ],
)
def test_verdict(engine, numbers, said):
    assert share.verdict(MADE, engine, numbers) == said


def test_made_is_no_field():
    assert state.MADE not in Config.model_fields
