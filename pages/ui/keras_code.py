"""The Keras code that does the same as a page: shown, and to take away as a script or a notebook."""

from __future__ import annotations

import streamlit as st

from regcore.config import Config
from regcore.errors import ConfigError
from regcore.export.keras_notebook import notebook
from regcore.export.keras_script import keras_script

SAID = (
    "One repetition of this experiment, complete and runnable as shown. It needs TensorFlow and "
    "scikit-learn, and nothing of this lab; its random numbers are its own, so its figure is one more draw."
)


def keras_code(config: Config, *, checklist: bool = False) -> None:
    """Show the Keras script of an experiment, folded away, with a button for it and one for its notebook.

    Args:
        config: The experiment.
        checklist: Show the script that asks whether the network can overfit at all.
    """
    with st.expander("The same in Keras"):
        try:
            script, cells = (make(config, checklist=checklist) for make in (keras_script, notebook))
        except ConfigError as error:
            st.info(str(error), icon=":material/info:")
            return
        st.caption(SAID)
        with st.container(horizontal=True):
            _download("Script (.py)", script, f"{config.data}.py", "text/x-python")
            _download("Notebook (.ipynb)", cells, f"{config.data}.ipynb", "application/x-ipynb+json")
        # What scrolls sideways cannot be reached by keyboard.
        st.code(script, language="python", wrap_lines=True)


def _download(label: str, text: str, name: str, mime: str) -> None:
    # To take something away changes nothing on the page.
    st.download_button(label, text, name, mime, icon=":material/download:", on_click="ignore")
