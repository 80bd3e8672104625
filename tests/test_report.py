"""The report: one file that asks for nothing, says what pages say, and has no number of the test."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest

from regcore import ablation, answers
from regcore.config import Config
from regcore.errors import ConfigError
from regcore.export.report import report
from regcore.figures import plot_parts, plot_waterfall
from tests.opened_runs import data, errors, result

VAL = ([0.3, 0.3, 0.4], [0.1, 0.2, 0.1])
TEST = ([0.35, 0.35, 0.25], [0.05, 0.15, 0.2])


def runs(test=TEST, **fields):
    """Return a baseline and a run with dropout, three seeds each."""
    baseline = errors(VAL[0], test[0], hidden=(3,))
    return {"baseline": baseline, "this run": errors(VAL[1], test[1], hidden=(3,), **fields)}


class Read(HTMLParser):
    """What a browser makes of a document: tags with their attributes, and the text that is not code."""

    def __init__(self, document):
        super().__init__()
        self.tags, self.text, self._skips = [], "", False
        self.feed(document)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._skips = tag in ("script", "style")

    def handle_endtag(self, tag):
        self._skips = False

    def handle_data(self, content):
        self.text += "" if self._skips else content

    def attributes(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def document():
    return report(runs(dropout_hidden=0.5), engine="0123456789abcdef")


@pytest.fixture(scope="module")
def read(document):
    return Read(document)


def test_the_answer_is_that_of_the_pages(read):
    both = runs(dropout_hidden=0.5)
    baseline, run = answers.validation_tables(both)["error"]
    answer = answers.held_against(baseline, run, "error")

    assert "lower on 3 of 3 seeds" in str(answer)
    assert str(answer) in read.text


def test_other_test_numbers_make_the_same_report_to_the_letter(document):
    others = runs((TEST[1], TEST[0]), dropout_hidden=0.5)

    assert report(others, engine="0123456789abcdef") == document


def test_nothing_is_fetched_and_plotly_is_in_it_once(document, read):
    pulled = {name for _, attrs in read.tags for name in attrs} & {"src", "href", "srcset", "data"}
    (policy,) = [
        each["content"] for each in read.attributes("meta") if "http-equiv" in each and each["content"]
    ]

    assert not pulled
    assert policy.startswith("default-src 'none'")
    assert document.count("plotly.js v") == 1
    assert "cdn.plot.ly/plotly" not in document.split("</head>")[1]


def test_it_can_be_read_without_seeing_it(read):
    headings = [int(tag[1]) for tag, _ in read.tags if re.fullmatch("h[1-6]", tag)]

    assert read.attributes("html") == [{"lang": "en"}]
    assert headings[0] == 1
    assert set(headings[1:]) == {2}
    assert read.attributes("th")
    assert {each["scope"] for each in read.attributes("th")} == {"col", "row"}
    assert len(read.attributes("caption")) == len(read.attributes("table"))
    assert len(read.attributes("figcaption")) == len(read.attributes("figure")) == 4
    assert "lowest on validation" in read.text


def test_what_differs_is_listed_and_nothing_else(document):
    (section,) = re.findall(r"What differs</h2>(.*?)<h2>", document, re.DOTALL)

    assert re.findall(r'scope="row">(\w+)', section) == ["dropout_hidden"]
    assert re.findall(r"<td>(.*?)</td>", section) == ["0", "0.5"]


def test_settings_that_hardly_differ_are_told_apart():
    both = {
        "baseline": errors(*VAL, learning_rate=0.1234567),
        "this run": errors(*VAL, learning_rate=0.1234568),
    }
    (section,) = re.findall(r"What differs</h2>(.*?)<h2>", report(both), re.DOTALL)

    assert "Nothing" not in section
    assert re.findall(r"<td>(.*?)</td>", section) == ["0.1234567", "0.1234568"]


def test_metrics_have_mean_difference_interval_wins_and_verdict(document):
    (table,) = re.findall(r"<caption>Error, %</caption>(.*?)</table>", document, re.DOTALL)
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", table, re.DOTALL)]

    assert rows[1][:3] == ["33.3", "5.8", "–"]
    assert rows[2][0] == "13.3"
    # Differences of 20, 10 and 30 points: 20 ± 4.303 · 10 / √3.
    assert rows[2][2:] == ["−20.0", "−44.8 to +4.8", "3 of 3", "within seed noise"]


def test_the_configuration_in_it_is_the_last_runs(document):
    (told,) = re.findall(r'aria-label="Configuration as JSON">(.*?)</pre>', document, re.DOTALL)

    assert Config.from_json(unescape(told)) == runs(dropout_hidden=0.5)["this run"].config


def test_the_link_and_the_engine_are_told():
    read = Read(report(runs(l2=0.1), engine="0123456789abcdef", link="http://lab/lab?l2=0.1&made=1"))

    assert "http://lab/lab?l2=0.1&made=1" in read.text
    assert "0123456789abcdef" in read.text
    assert "?hidden=3&epochs=1&l2=0.1&seeds=3" in Read(report(runs(l2=0.1))).text


def test_early_stopping_and_ensembles_are_told_where_they_are_on(read):
    epochs = [{"val_loss": 0.1}, {"val_loss": 0.3}, {"val_loss": 0.2}]
    stopped = result([epochs, epochs], patience=1)
    told = report({"patient": stopped})

    assert "Early stopping" not in read.text
    assert "Ensembles" not in read.text
    (section,) = re.findall(r"<h2>Early stopping</h2>(.*?)<h2>", told, re.DOTALL)
    assert re.findall(r"<td>(.*?)</td>", section) == ["1", "2 of 2", "2", "1", "1"]


def test_names_are_text():
    name = "</script><b onclick='x'>"
    told = report({name: errors([0.1], [0.2], data())})

    assert "<b onclick" not in told
    assert "<b onclick='x'>" in Read(told).text


# Of seeds 0, 1 and 2, in the order of `ablation.configurations`: none, L2, dropout, all.
TAKEN_APART = ([0.5, 0.6, 0.7], [0.4, 0.4, 0.6], [0.2, 0.4, 0.4], [0.1, 0.3, 0.3])


def taken_apart(test=0.4):
    """Return the results of an ablation of L2 and dropout, and what they say of both."""
    asked = Config(hidden=(3,), l2=0.01, dropout_hidden=0.5, seeds=3, epochs=1)
    results = {
        name: errors(of_run, [test] * 3, **config.changes(Config(seeds=3, epochs=1)))
        for (name, config), of_run in zip(ablation.configurations(asked).items(), TAKEN_APART, strict=True)
    }
    return results, ablation.ablation(results)


@pytest.fixture(scope="module")
def ablated():
    results, found = taken_apart()
    return report(results, ablation=found)


def test_an_ablation_is_told_in_words_and_figures(ablated):
    _, found = taken_apart()
    read = Read(ablated)

    assert "All parts together lower the validation error from 60.0 % to 23.3 %" in ablation.in_words(found)
    assert ablation.in_words(found) in read.text
    for drawn in (plot_waterfall(found), plot_parts(found)):
        assert drawn.layout.meta["description"] in read.text
    captions = [figure["aria-label"] for figure in read.attributes("figure")]
    assert captions[:2] == ["The ladder, one part after another", "Each part alone, and on top of the others"]
    assert len(read.attributes("figcaption")) == len(captions) == 2 + 2 * 4


def test_an_ablations_table_has_each_role_and_part_with_its_seeds_and_its_cost(ablated):
    caption = "<caption>Error, %, with each part and without it</caption>"
    (table,) = re.findall(f"{caption}(.*?)</table>", ablated, re.DOTALL)
    heads = re.findall(r'scope="col">(.*?)</th>', table)
    names = re.findall(r'scope="row">(.*?)</th>', table)
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", table, re.DOTALL)[1:]]

    assert heads == [
        "Run", "Mean", "Difference", "95 % interval", "Lower on", "Verdict", "Each seed", "Epochs",
    ]  # fmt: skip
    assert names == [
        "none", "L2 alone", "dropout alone", "… + L2", "… + dropout", "all but L2", "all but dropout", "all",
    ]  # fmt: skip
    assert rows[0] == ["60.0", "–", "–", "–", "–", "–", "1"]
    # Differences of 10, 20 and 10 points: 13.3 ± 4.303 · 5.77 / √3.
    assert rows[1][:5] == ["46.7", "−13.3", "−27.7 to +1.0", "3 of 3", "within seed noise"]
    assert '<span role="img" aria-label="Differences by seed: −10.0, −20.0, −10.0"><svg' in rows[1][5]
    assert rows[1][5].count("<rect") == 3


def test_an_ablation_has_no_number_of_the_test_and_is_there_only_if_given(document, ablated):
    results, found = taken_apart(test=0.9)

    assert "Which part helped" not in document
    assert report(results, ablation=found) == ablated


def test_of_no_part_there_is_no_ablation():
    results = {"none": errors([0.1, 0.2], [0.2, 0.2])}

    assert "Which part helped" not in report(results, ablation=ablation.ablation(results))


def test_what_is_not_complete_is_refused():
    with pytest.raises(ConfigError, match="^results must be trained to the end before they are reported"):
        report({"this run": result([[{}]], epochs=2)})
