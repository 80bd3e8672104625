"""Take it away: what leaves the lab of a run, and how a configuration comes back.

Files are made when somebody asks for them, in a thread of the server of their own; what needs TensorFlow is
made by a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from pages.ui import again, runs, share, shared, state
from regcore import ablation
from regcore.config import STOPPING_FIELDS, Config
from regcore.errors import ConfigError, RegcoreError
from regcore.execution import fingerprint
from regcore.export.keras_file import keras_file
from regcore.export.keras_notebook import notebook
from regcore.export.keras_script import keras_script
from regcore.export.report import report
from regcore.export.tables import config_json, history_of
from regcore.lessons import THIS_RUN
from regcore.results import Result

CODE = (
    "**As code:** one repetition of this experiment, complete and runnable as shown. It needs TensorFlow and "
    "scikit-learn, and nothing of this lab; its random numbers are its own, so its figure is one more draw."
)
RUN = (
    "**This run:** a report of one file that opens without a network, what was recorded of every epoch, and "
    "the settings. None of them has a number of the test."
)
UNFINISHED = "The rest is there when every network has been trained to the end."
MODEL = (
    "**The trained network**, with the weights it keeps. It takes rows as they are before any scaling and "
    "gives probabilities, or numbers in their own unit; of an ensemble, the mean of its members."
)
LOAD_MODEL = 'model = keras.saving.load_model("{name}")\nmodel.predict(raw_rows)'
LOAD_CONFIG = "The Configuration (.json) that **Take it away** gave, on this machine or another."
# Megabytes: a configuration has less than one kilobyte.
MAX_UPLOAD = 1
SECONDS_FOR_ENGINE = 5.0

FOLDED = "take_away.open"
_SEED, _FILE, _LINK = "take_away.seed", "take_away.file", "take_away.link"


@dataclass(frozen=True)
class Taken:
    """What makes the files of a page, called outside of its run: nothing of Streamlit works there.

    Attributes:
        config: The experiment.
        results: Name -> result, the baseline first and the experiment last; empty if there are none.
        url: Address of the page.
        is_ablation: Whether the results are those of an ablation of the experiment.
    """

    config: Config
    results: Mapping[str, Result]
    url: str | None = None
    is_ablation: bool = False

    def model(self, seed: int) -> bytes:
        """Return a `.keras` file of the networks of one seed."""
        return keras_file(list(self.results.values())[-1], seed)

    def report(self) -> str:
        """Return the report of these runs, as HTML."""
        try:
            engine = fingerprint(SECONDS_FOR_ENGINE)
        except RegcoreError:
            # Numbers that are there are worth a report, whatever became of the workers since.
            engine = None
        found = ablation.ablation(self.results) if self.is_ablation else None
        link = share.link(self.url, self.config, None)
        return report(self.results, ablation=found, engine=engine, link=link)

    def history(self) -> str:
        """Return what was recorded of every epoch, as CSV."""
        return history_of(self.results).to_csv(index=False)

    def settings(self) -> str:
        """Return the configuration, as JSON."""
        return config_json({"": self.config})


def show(
    config: Config,
    results: Mapping[str, Result] | None,
    *,
    checklist: bool = False,
    is_ablation: bool = False,
) -> None:
    """Show everything that can be taken away, folded.

    Args:
        config: The experiment of the page.
        results: Name -> result, the baseline first and the experiment last, complete or not; None: there are
            none. Of a checklist, all its experiments.
        checklist: Whether the experiment asks if the network can overfit at all: there is no run to report
            and no network to keep.
        is_ablation: Whether the results are those of `ablation.configurations`: the report says of each part
            what it does.
    """
    # Filled for who opens it: it is a tenth of all that a page draws, and its script is long.
    with st.expander("Take it away", key=FOLDED, on_change="rerun") as folded:
        if folded.open:
            _card(Taken(config, results or {}, st.context.url, is_ablation), checklist)


def of_page(live: runs.Live | None, config: Config) -> dict[str, Result] | None:
    """Return the baseline and the run of a configuration, out of all that a page trains; None if it is not
    among them.

    Args:
        live: What the page trains, the baseline first.
        config: The experiment of the page.
    """
    if live is None:
        return None
    results = live.results()
    baseline, first = next(iter(results.items()))
    run = next((result for result in results.values() if result.config == config), None)
    if run is None:
        source = runs.source_of(config, {name: result.config for name, result in results.items()})
        if source is None:
            return None
        rule = {name: getattr(config, name) for name in STOPPING_FIELDS}
        run = results[source].with_members(config.members).with_stopping(**rule)
    return {baseline: first} if run is first else {baseline: first, THIS_RUN: run}


def load() -> None:
    """Show where a configuration comes back: as the file that was taken away, or as a link."""
    again.draw(_loading)


def _loading() -> None:
    with st.expander("Load an experiment"):
        st.caption(LOAD_CONFIG)
        st.file_uploader(
            "Configuration (.json)",
            type="json",
            key=_FILE,
            max_upload_size=MAX_UPLOAD,
            on_change=_load_file,
        )
        st.text_input(
            "Or a link from the Share button",
            key=_LINK,
            placeholder="https://…/lab?data=digits&dropout_hidden=0.5",
            on_change=_load_link,
        )


def _load_file() -> None:
    uploaded = st.session_state[_FILE]
    if uploaded is not None:
        state.load(lambda: Config.from_json(_text(uploaded.getvalue())))


def _load_link() -> None:
    text = st.session_state[_LINK].strip()
    if text:
        state.load(lambda: state.config_of_link(text))


def _text(content: bytes) -> str:
    try:
        # Some editors begin a file with a mark that is none of JSON.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError("the file must be JSON, got bytes that are no text") from None


@st.fragment
def _card(taken: Taken, checklist: bool) -> None:
    results = taken.results.values()
    is_there = bool(results) and all(result.is_complete for result in results)
    st.markdown(RUN)
    with st.container(horizontal=True):
        name = taken.config.data
        if not checklist:
            _download("Report (.html)", taken.report, f"{name}.html", "text/html", not is_there)
        _download("History (.csv)", taken.history, f"{name}-history.csv", "text/csv", not is_there)
        _download("Configuration (.json)", taken.settings, f"{name}-config.json", "application/json")
    if not checklist:
        _model(taken, is_there)
    if not is_there:
        st.caption(UNFINISHED)
    # Last, for the script is long.
    _code(taken.config, checklist)


def _code(config: Config, checklist: bool) -> None:
    try:
        script = shared.kept_of("take_away.script", keras_script, config, checklist=checklist)
    except ConfigError as error:
        st.info(str(error), icon=":material/info:")
        return
    st.markdown(CODE)
    with st.container(horizontal=True):
        _download("Script (.py)", lambda: script, f"{config.data}.py", "text/x-python")
        _download(
            "Notebook (.ipynb)",
            lambda: notebook(config, checklist=checklist),
            f"{config.data}.ipynb",
            "application/x-ipynb+json",
        )
    # What scrolls sideways cannot be reached by keyboard.
    st.code(script, language="python", wrap_lines=True)


def _model(taken: Taken, is_there: bool) -> None:
    st.markdown(MODEL)
    config = taken.config
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seeds = range(config.seed, config.seed + config.seeds)
        seed = st.selectbox("Seed", seeds, key=_SEED, width=120)
        name = f"{config.data}-seed-{seed}.keras"
        _download("Model (.keras)", lambda: taken.model(seed), name, "application/zip", not is_there)
    st.code(LOAD_MODEL.format(name=name), language="python", wrap_lines=True)


def _download(
    label: str, make: Callable[[], str | bytes], name: str, mime: str, disabled: bool = False
) -> None:
    # To take something away changes nothing on the page.
    st.download_button(
        label, make, name, mime, icon=":material/download:", disabled=disabled, on_click="ignore"
    )
