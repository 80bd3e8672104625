"""A run as one HTML file: what was asked, what came of it, and how it was measured."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from html import escape

from regcore import answers, words
from regcore.ablation import Ablation
from regcore.config import Config, field_help
from regcore.data.catalog import DATASET_INFO
from regcore.errors import ConfigError
from regcore.export import html, report_ablation
from regcore.export.tables import config_json
from regcore.figures import Measure, plot_curves
from regcore.provenance import numbers_of
from regcore.results import Result
from regcore.statistics import BETTER, WORSE
from regcore.versions import installed

QUESTION = "My network overfits: what does each regularizer really buy me?"
SEALED = (
    "What is compared here was measured on validation rows, which may also have chosen: early stopping reads "
    "them, and so does whoever picks the best of several runs. The test rows had no say. They are sealed in "
    "the lab, and none of their numbers are in this file."
)
PAIRED = (
    "Runs are paired: with one seed they share rows, first weights and order of batches. The interval is the "
    "95 % paired t-interval of the difference over seeds; where it contains 0, the difference is within seed "
    "noise. It speaks of repetitions on this data set, and of no other."
)
CURVES = (
    "Data loss and error are of the end of each epoch, dropout and augmentation off, the penalty left out. "
    "Lines are medians over the networks, bands their middle 80 %."
)
COLOURS = {BETTER: "better", WORSE: "worse"}
PACKAGES = ("tensorflow", "keras", "numpy", "plotly")
MEASURES: tuple[Measure, ...] = ("loss", "error")
# Seeds are listed one by one up to here.
MAX_SEEDS_LISTED = 64


def report(
    results: Mapping[str, Result],
    *,
    ablation: Ablation | None = None,
    engine: str | None = None,
    link: str | None = None,
) -> str:
    """Return an HTML document on runs, complete in itself: it opens without a network and without the lab.

    It has no numbers of the test.

    Args:
        results: Name -> result, all trained to the end; the first is the baseline.
        ablation: What they say of each part (`regcore.ablation.ablation`), told first; None: they are of no
            ablation.
        engine: Fingerprint of the engine that trained them (`execution.fingerprint`); None: not known.
        link: A link to the experiment, the last of the runs; None: its query alone.

    Raises:
        ConfigError: if there is no result, one is not complete or has no validation rows, or they cannot be
            compared.
        RegcoreError: as `Result.metrics` does.
    """
    for name, result in results.items():
        if not result.is_complete:
            raise ConfigError(
                f"results must be trained to the end before they are reported, got {result!r} for {name!r}"
            )
    tables = answers.validation_tables(results)
    title = title_of(results)
    body = [
        html.heading(title, 1),
        html.paragraph(QUESTION, "quiet"),
        *_ablation(results, ablation),
        *_answers(results, tables),
        *_differences(results),
        *_metrics(results, tables),
        *_curves(results),
        *_stopping(results),
        *_ensembles(results),
        *_how(results),
        *_settings(results, link),
        *_made(results, engine),
    ]
    return html.page(f"{title} · Regularization Lab", body)


def title_of(results: Mapping[str, Result]) -> str:
    """Return what a report is called: the data set, and what is on in the last run."""
    last = list(results.values())[-1]
    return f"{_data_title(last)}: {words.what_is_on(last.config)}"


def _data_title(result: Result) -> str:
    info = DATASET_INFO.get(result.dataset.name)
    return info.title if info else result.dataset.name


def _ablation(results: Mapping[str, Result], found: Ablation | None) -> Iterator[str]:
    if found is not None:
        yield from report_ablation.sections(found, answers.floor_of(next(iter(results.values()))))


def _answers(results: Mapping[str, Result], tables: answers.Tables) -> Iterator[str]:
    yield html.heading("The answer")
    metric, (first, *others) = next(iter(tables.items()))
    if not others:
        on = words.what_is_on(results[first["name"]].config)
        yield html.paragraph(f"One run, with {on}. There is nothing here that it could be held against.")
    for run in others:
        answer = answers.held_against(first, run, metric)
        kind = COLOURS.get(answer.verdict)
        lead = f'<strong class="{kind}">' if kind else "<strong>"
        yield f"<p>{lead}{escape(answer.lead)}</strong>{escape(answer.rest)}</p>"
    yield html.paragraph(answers.how_many(results), "quiet")


def _differences(results: Mapping[str, Result]) -> Iterator[str]:
    if len(results) == 1:
        return
    yield html.heading("What differs")
    differing = [name for name in Config.model_fields if len(set(_spelled(results, name))) > 1]
    if not differing:
        yield html.paragraph("Nothing: these runs have the same settings.")
        return
    yield html.table(
        "Settings in which the runs differ", ("Setting", *_names(results)), _fields(results, differing)
    )
    yield html.paragraph("All else is the same, and is listed below.", "quiet")


def _spelled(results: Mapping[str, Result], field: str) -> list[str]:
    return words.field_values([getattr(result.config, field) for result in results.values()])


def _fields(results: Mapping[str, Result], fields: list[str]) -> list[list[str]]:
    return [[field, *_spelled(results, field)] for field in fields]


def _names(results: Mapping[str, object]) -> list[str]:
    # Not `capitalize`: a run may be called as its settings are, of which capitals have a meaning.
    return [name[:1].upper() + name[1:] for name in results]


def _metrics(results: Mapping[str, Result], tables: answers.Tables) -> Iterator[str]:
    yield html.heading("On the validation rows")
    yield html.paragraph("Each network at the epoch it keeps, mean over seeds. Lower is better in all rows.")
    for metric, runs in tables.items():
        decimals = words.decimals_of(metric, runs[0]["mean"])
        rows = [
            [
                name,
                words.number(run["mean"], metric, decimals),
                words.number(run["sd"], metric, decimals),
                *(answers.compared_in_words(run, metric, decimals).values() if len(runs) > 1 else ()),
            ]
            for name, run in zip(_names(results), runs, strict=True)
        ]
        compared = answers.COMPARED if len(runs) > 1 else ()
        head = ("Run", "Mean", "Standard deviation", *compared)
        yield html.table(words.metric_title(metric), head, rows)
    yield from _seed_by_seed(results, next(iter(tables)))


def _seed_by_seed(results: Mapping[str, Result], metric: str) -> Iterator[str]:
    values = [result.metrics("val")[metric].tolist() for result in results.values()]
    decimals = words.decimals_of(metric, max(values[0]))
    seeds = next(iter(results.values())).seeds[:MAX_SEEDS_LISTED]
    rows = [
        [str(seed), *(words.number(of_run[at], metric, decimals) for of_run in values)]
        for at, seed in enumerate(seeds)
    ]
    title = f"{words.metric_title(metric)}, seed by seed"
    yield html.folded("Seed by seed", html.table(title, ("Seed", *_names(results)), rows))


def _curves(results: Mapping[str, Result]) -> Iterator[str]:
    yield html.heading("Curves")
    yield html.paragraph(CURVES)
    for at, (name, result) in enumerate(results.items()):
        for measure in MEASURES:
            drawn = plot_curves(results, name, measure, floor=answers.floor_of(result))
            caption = f"{'Data loss' if measure == 'loss' else 'Error'}, {name}"
            yield html.figure(drawn, f"figure-{at}-{measure}", caption)


def _stopping(results: Mapping[str, Result]) -> Iterator[str]:
    stopping = {name: result for name, result in results.items() if result.config.patience is not None}
    if not stopping:
        return
    yield html.heading("Early stopping")
    rows = [[name, *_stops(result)] for name, result in zip(_names(stopping), stopping.values(), strict=True)]
    head = ("Run", "Patience", "Networks stopped", "Stopped at", "Epoch kept", "Best epoch")
    yield html.table("Epochs, medians over the networks", head, rows)
    yield html.paragraph(
        "Every training went on past its stop, so that the rule could be read off the recording. Watched is "
        "the data loss on the validation rows, penalty left out and dropout off.",
        "quiet",
    )


def _stops(result: Result) -> list[str]:
    stops = result.stops
    fired = stops["stopped_epoch"].dropna()
    return [
        words.field_value(result.config.patience),
        f"{len(fired)} of {len(stops)}",
        f"{float(fired.median()):g}" if len(fired) else words.NOTHING,
        f"{float(stops['restored_epoch'].median()):g}",
        f"{float(stops['best_epoch'].median()):g}",
    ]


def _ensembles(results: Mapping[str, Result]) -> Iterator[str]:
    ensembles = {name: result.config for name, result in results.items() if result.config.members > 1}
    if not ensembles:
        return
    yield html.heading("Ensembles")
    rows = [
        [name, str(config.members), *_differ(config)]
        for name, config in zip(_names(ensembles), ensembles.values(), strict=True)
    ]
    yield html.table("Members of each seed", ("Run", "Members", "They differ in", "Own draw of rows"), rows)
    yield html.paragraph(
        "Members of a seed share its rows, and their predictions are averaged, each at the epoch it keeps: "
        "the metrics are those of the average, the curves those of the single networks.",
        "quiet",
    )


def _differ(config: Config) -> tuple[str, str]:
    return ", ".join(config.member_varies) or "nothing", words.field_value(config.bootstrap)


def _how(results: Mapping[str, Result]) -> Iterator[str]:
    first = next(iter(results.values()))
    data, config = first.dataset, first.config
    yield html.heading("How it was measured")
    yield html.paragraph(
        f"{_data_title(first)}: {words.count(data.n_train, 'train row')}, "
        f"{words.count(data.n_val, 'validation row')}, {words.count(len(data.test_rows), 'test row')}, "
        f"{words.count(data.n_features, 'feature')}. {words.count(config.seeds, 'seed')}, each a repetition "
        "of the whole experiment: other train and validation rows, other first weights, another order of "
        "batches. All curves are real trainings."
    )
    if config.label_noise:
        yield html.paragraph(
            f"{words.percent(config.label_noise)} of the train and validation labels were redrawn at random, "
            "so validation cannot fall below that noise; the line in the curves says where it lies."
        )
    yield html.paragraph(PAIRED)
    yield html.paragraph(SEALED)
    if lost := {name: result.diverged for name, result in results.items() if result.diverged}:
        told = ", ".join(f"{len(networks)} of {name}" for name, networks in lost.items())
        yield html.paragraph(f"Networks whose loss was not finite in some epoch: {told}.")


def _settings(results: Mapping[str, Result], link: str | None) -> Iterator[str]:
    last = list(results.values())[-1].config
    yield html.heading("Every setting")
    everything = _fields(results, list(Config.model_fields))
    for row in everything:
        row.append(field_help(row[0]).description)
    head = ("Setting", *_names(results), "What it is")
    yield html.folded("All settings of each run", html.table("All settings", head, everything))
    yield html.folded(
        "The last run's configuration as JSON",
        html.paragraph("Load it in the Lab, give it to python -m regcore train --config, or:"),
        html.code("from regcore import Config\nConfig.from_json(text)", "How to read it"),
        html.code(config_json({"": last}), "Configuration as JSON"),
    )
    yield html.paragraph("The experiment as a link to the Lab:")
    yield html.code(link or f"?{last.to_query()}", "Link")


def _made(results: Mapping[str, Result], engine: str | None) -> Iterator[str]:
    yield html.heading("Where the numbers were made")
    rows = [[name, there] for name, there in _versions()]
    rows.append(["Engine", engine or "not known"])
    rows += [[f"Numbers of {name}", numbers_of(result)] for name, result in results.items()]
    yield html.table("Versions and fingerprints", ("What", "Which"), rows)
    yield html.paragraph(
        "The engine's fingerprint is of the processor's features and the versions that its bits depend on; "
        "where it is the same, the numbers are the same, bit for bit. Elsewhere they are equal within "
        "tolerance.",
        "quiet",
    )


def _versions() -> Iterator[tuple[str, str]]:
    """Yield what is installed here; nothing of it is loaded."""
    yield "Python", platform.python_version()
    for package in PACKAGES:
        yield package, installed(package)
