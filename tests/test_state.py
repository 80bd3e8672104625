"""The owner of session state and URL: who moved last is right, and nothing is lost on the way."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.ui import state
from regcore.config import Config


class BrokenOff(Exception):
    """A page ends here, for it has to run anew."""


class Query(dict[str, list[str]]):
    """Streamlit's query parameters, as `state` uses them.

    Attributes:
        sent: What was written, in its order.
        breaks_off: When the run that writes next is broken off: before it has sent, or behind that.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, str]] = []
        self.breaks_off = ""

    def get_all(self, name: str) -> list[str]:
        return self[name]

    def from_dict(self, values: dict[str, str]) -> None:
        when, self.breaks_off = self.breaks_off, ""
        if when == "before":
            raise BrokenOff
        self.sent.append(values)
        self.clear()
        self.update({name: [value] for name, value in values.items()})
        if when == "behind":
            raise BrokenOff


@pytest.fixture(autouse=True)
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A session and its URL, without Streamlit."""
    session = SimpleNamespace(session_state={}, query_params=Query())
    monkeypatch.setattr(state, "st", session)
    yield session


def paste(browser: SimpleNamespace, query: str) -> None:
    browser.query_params.from_dict(dict(part.split("=", 1) for part in query.split("&") if part))


def move(browser: SimpleNamespace, binding: state.Binding, value: object) -> None:
    """Do what Streamlit does when a widget is moved."""
    browser.session_state[binding["key"]] = value
    binding["on_change"](*binding["args"])


START_QUERY = {name: [value] for name, value in state.query_of(state.START).items()}


def test_a_session_without_a_link_begins_at_the_start_and_spells_it(browser):
    assert state.begin() == state.START
    assert browser.query_params == START_QUERY


def test_a_pasted_link_is_the_configuration(browser):
    paste(browser, "data=digits&l2=0.001&hidden=32,16")

    assert state.begin() == Config(data="digits", l2=0.001, hidden=(32, 16))
    assert state.problem() is None


@pytest.mark.parametrize("start", [state.START, Config(data="wine", patience=3)])
def test_a_broken_link_leads_to_where_its_page_begins_and_to_one_sentence(browser, start):
    paste(browser, "dropout_hidden=1.5")

    assert state.begin(start) == start
    assert state.problem() == (
        "This link cannot be opened, so the defaults are shown: "
        f"{Config.from_query('dropout_hidden=1.5').problem}"
    )


def test_a_link_to_what_a_data_set_cannot_take_is_a_broken_one(browser):
    paste(browser, "data=iris&n_train=5000")

    assert state.begin() == state.START
    assert (state.problem() or "").startswith(f"{state.REFUSED_LINK}: n_train + n_val must be at most 100")


def test_a_page_without_a_configuration_clears_the_link_of_the_page_before(browser):
    state.enter("Lab")
    state.begin()
    state.enter("Home")

    state.begin_without_link()

    assert browser.query_params == {}
    state.enter("Lab")
    assert state.begin() == state.START


@pytest.mark.parametrize("added", ["utm_source=letter", "utm_medium=mail", "fbclid=IwAR0", "mc_eid=y"])
def test_what_others_add_to_a_link_is_no_part_of_it(browser, added):
    paste(browser, f"data=iris&l2=0.01&{added}")

    assert state.begin() == Config(data="iris", l2=0.01)
    assert state.problem() is None
    assert browser.query_params == {"data": ["iris"], "l2": ["0.01"]}


def test_a_link_of_nothing_but_what_others_add_begins_at_the_start(browser):
    paste(browser, "utm_source=letter")

    assert state.begin() == state.START
    assert state.problem() is None


def test_the_sentence_stays_until_the_next_change(browser):
    paste(browser, "dropout_hidden=1.5")
    state.begin()
    state.begin()
    assert state.problem() is not None

    state.choose({"l2": 0.01})

    assert state.problem() is None


def test_a_moved_widget_changes_configuration_and_link(browser):
    state.begin()
    binding = state.bind("l2", 0.0, lambda moved: {"l2": moved})

    move(browser, binding, 0.01)

    assert state.begin() == state.START.replace(l2=0.01)
    assert browser.query_params == {**START_QUERY, "l2": ["0.01"]}


@pytest.fixture
def way_back(monkeypatch):
    """Have the next runs of pages be asked for by the browser's Back."""

    def go() -> None:
        asked = SimpleNamespace(is_history_navigation=True)
        monkeypatch.setattr(state, "get_script_run_ctx", lambda **_: asked)

    return go


def test_on_the_way_back_a_page_has_what_it_had_whatever_its_url_says(browser, way_back):
    state.enter("Lab")
    paste(browser, "data=digits&l2=0.001")
    state.begin()
    state.enter("Dropout")
    paste(browser, "data=wine&dropout_hidden=0.5")
    state.begin()

    way_back()
    state.enter("Lab")
    assert state.begin() == Config(data="digits", l2=0.001)
    assert browser.query_params == {"data": ["digits"], "l2": ["0.001"]}


def test_on_the_way_back_to_what_a_session_has_not_shown_its_url_counts(browser, way_back):
    way_back()
    state.enter("Lab")
    paste(browser, "data=digits&l2=0.001")
    assert state.begin() == Config(data="digits", l2=0.001)


def bound(shown: float) -> str:
    """Return the key of a slider that shows this L2."""
    return state.bind("l2", shown, lambda moved: {"l2": moved})["key"]


def test_a_widget_that_was_moved_stays_the_same(browser):
    state.begin()
    binding = state.bind("l2", 0.0, lambda moved: {"l2": moved})

    move(browser, binding, 0.01)
    state.begin()

    assert bound(shown=0.01) == binding["key"]
    assert bound(shown=0.01) == binding["key"]


def test_a_widget_that_was_left_behind_makes_way_for_a_new_one_whose_value_nobody_sets(browser):
    state.begin()
    before = bound(shown=0.0)
    browser.session_state[before] = 0.0

    state.choose({"l2": 0.01})
    state.begin()
    after = bound(shown=0.01)

    assert after != before
    assert after not in browser.session_state
    browser.session_state[after] = 0.01
    assert bound(shown=0.01) == after


def test_what_a_widget_sends_that_has_made_way_counts_for_nothing(browser):
    state.begin()
    before = state.bind("l2", 0.0, lambda moved: {"l2": moved})
    browser.session_state[before["key"]] = 0.0
    state.choose({"l2": 0.01})
    state.begin()
    bound(shown=0.01)

    move(browser, before, 0.0)

    assert state.begin() == state.START.replace(l2=0.01)


def test_a_refused_move_leaves_no_widget_that_shows_it(browser):
    state.begin()
    binding = state.bind("dropout_hidden", 0.5, lambda moved: {"dropout_hidden": moved})

    move(browser, binding, 1.5)

    assert state.problem() is not None
    assert state.bind("dropout_hidden", 0.5, lambda moved: {"dropout_hidden": moved})["key"] != binding["key"]


def test_two_quick_moves_both_count_though_the_link_lags_behind(browser):
    state.begin()
    before = dict(browser.query_params)
    move(browser, state.bind("l2", 0.0, lambda moved: {"l2": moved}), 0.01)
    state.begin()
    move(browser, state.bind("jitter", 0.0, lambda moved: {"jitter": moved}), 0.2)
    browser.query_params.clear()
    browser.query_params.update(before)

    assert state.begin() == state.START.replace(l2=0.01, jitter=0.2)


def test_a_link_that_lags_behind_the_last_change_counts_for_nothing(browser):
    state.begin()
    before = dict(browser.query_params)
    state.choose({"l2": 0.01})
    state.begin()
    browser.query_params.clear()
    browser.query_params.update(before)

    assert state.begin() == state.START.replace(l2=0.01)
    assert browser.query_params == {**START_QUERY, "l2": ["0.01"]}


def lag(browser: SimpleNamespace, query: dict[str, list[str]]) -> None:
    """Have the browser ask for the next run with a URL that it has read before."""
    browser.query_params.clear()
    browser.query_params.update(query)


@pytest.fixture
def to_and_fro(browser: SimpleNamespace) -> SimpleNamespace:
    """A knob was moved to and fro: the browser asks anew before it has read what the first run wrote."""
    paste(browser, "data=iris&patience=5")
    state.begin()
    before = dict(browser.query_params)
    binding = state.bind("patience", 5, lambda moved: {"patience": moved})
    move(browser, binding, 10)
    state.begin()
    lag(browser, before)
    move(browser, binding, 5)
    return SimpleNamespace(link={"data": "iris", "patience": "5"}, before=before)


def test_a_link_that_is_on_its_way_is_overtaken_by_none_of_a_run_before(browser, to_and_fro):
    state.begin()

    assert browser.query_params.sent[-1] == to_and_fro.link


def test_a_link_that_a_run_could_not_send_is_sent_by_the_next(browser, to_and_fro):
    browser.query_params.breaks_off = "before"
    with pytest.raises(BrokenOff):
        state.begin()
    lag(browser, to_and_fro.before)

    state.begin()

    assert browser.query_params.sent[-1] == to_and_fro.link


def test_a_link_that_a_run_sent_last_of_all_is_none_to_follow(browser):
    state.begin()
    state.choose({"l2": 0.01})
    browser.query_params.breaks_off = "behind"
    with pytest.raises(BrokenOff):
        state.begin()
    written = dict(browser.query_params)
    state.choose({"l2": 0.02})
    state.begin()
    lag(browser, written)

    assert state.begin() == state.START.replace(l2=0.02)


@pytest.mark.parametrize("spelled", ["data=digits&hidden=256,128", "hidden=256,128&data=digits"])
def test_a_link_that_says_the_same_stays_as_it_is(browser, spelled):
    # Streamlit would spell it otherwise, and the browser have one more entry in its history.
    paste(browser, spelled)
    pasted = list(browser.query_params.sent)

    state.begin()
    state.begin()

    assert browser.query_params.sent == pasted


def test_a_link_followed_from_another_page_counts_though_it_was_shown_before(browser):
    state.enter("Lab")
    state.begin()
    before = dict(browser.query_params)
    state.choose({"l2": 0.01})
    state.begin()
    state.enter("Home")
    browser.query_params.clear()
    browser.query_params.update(before)
    state.enter("Lab")

    assert state.begin() == state.START


def test_a_link_pasted_later_is_right(browser):
    state.begin()
    state.choose({"l2": 0.01})
    state.begin()

    paste(browser, "data=wine")

    assert state.begin() == Config(data="wine")


def test_a_change_of_page_keeps_the_configuration(browser):
    state.begin()
    state.choose({"l2": 0.01})
    browser.query_params.clear()

    assert state.begin() == state.START.replace(l2=0.01)
    assert browser.query_params == {**START_QUERY, "l2": ["0.01"]}


def test_an_impossible_change_leaves_the_configuration_and_says_why(browser):
    state.begin()

    state.choose({"hidden": ()})

    assert state.begin() == state.START
    assert state.problem() == "dropout_hidden must be 0 with hidden=(), which has no units, got 0.5"


def test_the_default_configuration_has_a_link_of_its_own():
    assert state.query_of(Config()) == {"data": "moons"}


MADE = "0123456789abcdef-fedcba9876543210"


def test_a_link_may_tell_where_its_numbers_were_made(browser):
    paste(browser, f"data=digits&l2=0.001&made={MADE}")

    assert state.begin() == Config(data="digits", l2=0.001)
    assert str(state.made()) == MADE
    assert browser.query_params == {"data": ["digits"], "l2": ["0.001"], "made": [MADE]}


def test_a_reload_still_tells_where_numbers_were_made(browser):
    paste(browser, f"data=digits&made={MADE}")
    state.begin()
    browser.session_state.clear()

    state.begin()

    assert str(state.made()) == MADE


def test_another_configuration_was_not_made_there_until_it_is_the_same_again(browser):
    paste(browser, f"data=digits&made={MADE}")
    state.begin()

    state.choose({"l2": 0.01})
    state.begin()

    assert state.made() is None
    assert browser.query_params == {"data": ["digits"], "l2": ["0.01"]}

    state.choose({"l2": 0.0})
    state.begin()

    assert str(state.made()) == MADE
    assert browser.query_params == {"data": ["digits"], "made": [MADE]}


def test_a_change_of_page_keeps_where_numbers_were_made(browser):
    paste(browser, f"data=digits&made={MADE}")
    state.begin()
    browser.query_params.clear()

    state.begin()

    assert str(state.made()) == MADE
    assert browser.query_params["made"] == [MADE]


def test_a_link_without_it_forgets_where_those_of_another_link_were_made(browser):
    paste(browser, f"data=digits&made={MADE}")
    state.begin()
    paste(browser, "data=wine")
    state.begin()

    assert state.made() is None


@pytest.mark.parametrize("made", ["", "elsewhere", "x" * 5000])
def test_what_tells_nothing_is_left_out(browser, made):
    paste(browser, f"data=digits&made={made}")

    assert state.begin() == Config(data="digits")
    assert (state.made(), state.problem()) == (None, None)
    assert browser.query_params == {"data": ["digits"]}


def test_where_numbers_were_made_is_no_configuration(browser):
    paste(browser, f"made={MADE}")

    assert state.begin() == state.START
    assert browser.query_params == START_QUERY


def test_of_a_broken_link_no_numbers_were_made(browser):
    paste(browser, f"dropout_hidden=1.5&made={MADE}")
    state.begin()

    assert state.made() is None
    assert browser.query_params == START_QUERY


CONFIGS = st.builds(
    Config,
    data=st.sampled_from(["moons", "digits", "article_regression"]),
    n_train=st.none() | st.integers(2, 1000),
    hidden=st.lists(st.integers(1, 64), min_size=1, max_size=3).map(tuple),
    l2=st.floats(0, 10),
    dropout_hidden=st.floats(0, 0.9),
    patience=st.none() | st.integers(0, 100),
    member_varies=st.sampled_from([(), ("init",), ("order",), ("init", "order")]),
    bootstrap=st.booleans(),
)


@given(CONFIGS)
def test_every_link_leads_back_to_its_configuration(config):
    parsed = Config.from_query(state.query_of(config))

    assert (parsed.config, parsed.problem) == (config, None)


def test_what_is_made_is_kept_for_two_pages(browser):
    made = []

    def make(what):
        made.append(what)
        return what

    def visit(page):
        state.enter(page)
        state.kept_of("on every page", make, "table")
        state.kept_of(f"of {page}", make, page)

    for page in ("lab", "l2", "lab", "dropout", "l2"):
        visit(page)

    assert made == ["table", "lab", "l2", "dropout", "l2"]
