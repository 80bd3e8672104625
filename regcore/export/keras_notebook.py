"""The Keras script as a Jupyter notebook: the same code, a cell for each of its sections."""

import json
from typing import Any

from regcore.config import Config
from regcore.export.keras_script import sections
from regcore.export.section import Section

# Format 4.5 is the first whose cells have names, and asks for them.
_FORMAT, _MINOR = 4, 5


def notebook(config: Config, *, checklist: bool = False) -> str:
    """Return the sections of `keras_script` as a notebook: JSON of nbformat 4.5.

    A section is a cell of Markdown, its heading and what a reader has to know, and a cell of its code.

    Args:
        config: The experiment; of its repetitions, the first seed.
        checklist: As in `keras_script`.

    Raises:
        ConfigError: as `keras_script` does.
    """
    cells = [
        cell
        for number, section in enumerate(sections(config, checklist=checklist))
        for cell in _cells(number, section)
    ]
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": _FORMAT,
        "nbformat_minor": _MINOR,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _cells(number: int, section: Section) -> tuple[dict[str, Any], dict[str, Any]]:
    heading = f"{'##' if number else '#'} {section.title}"
    # Notes are paragraphs of their own.
    text = _cell("markdown", f"text-{number}", "\n\n".join([heading, *section.notes]))
    return text, _cell("code", f"code-{number}", section.code) | {"execution_count": None, "outputs": []}


def _cell(kind: str, name: str, source: str) -> dict[str, Any]:
    lines = source.splitlines(keepends=True)
    return {"cell_type": kind, "id": name, "metadata": {}, "source": lines}
