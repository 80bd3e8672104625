"""HTML for a report of one file: it asks the network for nothing, and follows a light or a dark screen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from regcore.figures._style import template

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Whatever is in the file, a browser fetches nothing for it.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"

_STYLE = """
:root { color-scheme: light dark; --ink: #31333f; --quiet: #5a5c66; --paper: #ffffff; --line: #d9d9d6;
  --better: #1a6b3c; --worse: #a8321f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e4df; --quiet: #b3b0a8; --paper: #171614;
  --line: #3a3833; --better: #7fd6a2; --worse: #f0a090; } }
body { color: var(--ink); background: var(--paper); font: 16px/1.5 "Source Sans", "Source Sans Pro",
  system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; } h2 { font-size: 1.4rem; margin-top: 2.4rem; }
h3 { font-size: 1.1rem; }
.quiet, figcaption { color: var(--quiet); font-size: .9rem; }
.better { color: var(--better); } .worse { color: var(--worse); }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; } caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .8rem .3rem 0; text-align: left;
  vertical-align: top; } td { font-variant-numeric: tabular-nums; }
figure { margin: 1.5rem 0; } pre { overflow-x: auto; border: 1px solid var(--line); padding: .8rem; }
summary { cursor: pointer; }
"""

# Plotly draws with the colours of the screen that the file is opened on, and again when they change.
_SCRIPT = """
const templates = %s;
function paint(id) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const draw = () => Plotly.relayout(id, {template: templates[dark.matches ? "dark" : "light"]});
  if (dark.matches) draw();
  dark.addEventListener("change", draw);
}
"""


class Markup(str):
    """Text that is HTML already, and stands in a table as it is."""


def page(title: str, body: Sequence[str]) -> str:
    """Return a whole document, Plotly's code in it once.

    Args:
        title: Of the document, as text.
        body: Elements, as HTML; `figure` among them.
    """
    from plotly.offline import get_plotlyjs

    templates = {name: template(name == "dark").to_plotly_json() for name in ("light", "dark")}
    # What ends a script must not be in one.
    script = _SCRIPT % json.dumps(templates).replace("</", "<\\/")
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f"<script>{get_plotlyjs()}</script>",
            f"<script>{script}</script>",
            "</head>",
            "<body>",
            "<main>",
            *body,
            "</main>",
            "</body>",
            "</html>",
            "",
        )
    )


def heading(text: str, level: int = 2) -> str:
    """Return a heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of text, or of a kind that looks otherwise: "quiet"."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column names its rows; all of it text, but for cells that are `Markup`.

    It scrolls on its own where it is wider than the page, by keyboard as well.
    """
    columns = "".join(f'<th scope="col">{escape(each)}</th>' for each in head)
    body = "\n".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(map(_cell, rest))}</tr>' for first, *rest in rows
    )
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}">\n'
        f"<table><caption>{escape(caption)}</caption>\n<thead><tr>{columns}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _cell(content: str) -> str:
    return f"<td>{content if isinstance(content, Markup) else escape(content)}</td>"


def picture(svg: str, said: str) -> Markup:
    """Return a small picture for a cell of a table.

    Args:
        svg: The picture, an element.
        said: What it shows, for those who do not see it, as text.
    """
    return Markup(f'<span role="img" aria-label="{escape(said)}">{svg}</span>')


def folded(summary: str, *inside: str) -> str:
    """Return what is open at a click."""
    return f"<details><summary>{escape(summary)}</summary>\n{chr(10).join(inside)}\n</details>"


def code(text: str, label: str) -> str:
    """Return text as it is written, which scrolls by keyboard as well."""
    return f'<pre role="region" tabindex="0" aria-label="{escape(label)}">{escape(text)}</pre>'


def figure(drawn: go.Figure, name: str, caption: str) -> str:
    """Return a figure, with its `layout.meta["description"]` below it for those who do not see it.

    Args:
        drawn: The figure, drawn for a light page.
        name: Names it among all of the document, as an identifier.
        caption: What it is of, as text; the description says it as well.
    """
    described = str((drawn.layout.meta or {}).get("description", ""))
    chart = drawn.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=name,
        post_script='paint("{plot_id}");',
        config={"displaylogo": False, "responsive": True},
        default_height=f"{drawn.layout.height or 400}px",
    )
    return (
        f'<figure aria-label="{escape(caption)}">\n{chart}\n'
        f"<figcaption>{escape(described)}</figcaption></figure>"
    )
