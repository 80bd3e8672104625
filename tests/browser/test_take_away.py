"""Everything of a run is taken away by a real browser and opened; then its configuration is given back."""

import ast
import io
import json
import re
import zipfile

import pandas as pd
from playwright.sync_api import expect

from regcore.config import Config
from tests.browser.lab_page import finished
from tests.browser.test_accessibility import findings

CONFIG = Config(
    data="digits", n_train=40, n_val=30, hidden=(8,), epochs=6, seeds=2, l2=0.01, patience=2, members=2
)


def test_files_are_taken_away_opened_and_given_back(server, open_page, tmp_path):
    page = finished(open_page(f"{server.url}/lab?{CONFIG.to_query()}"))
    page.locator("summary", has_text="Take it away").click()

    def take(label):
        with page.expect_download() as taken:
            page.get_by_role("button", name=label).click()
        file = tmp_path / taken.value.suggested_filename
        taken.value.save_as(file)
        return file

    script, notebook = take("Script (.py)"), take("Notebook (.ipynb)")
    report, history = take("Report (.html)"), take("History (.csv)")
    configuration, model = take("Configuration (.json)"), take("Model (.keras)")

    assert ast.parse(script.read_text(encoding="utf-8"))
    assert json.loads(notebook.read_text(encoding="utf-8"))["nbformat"] == 4
    rows = pd.read_csv(io.StringIO(history.read_text(encoding="utf-8")))
    assert rows.groupby("name").size().to_dict() == {"baseline": 12, "this run": 24}
    assert Config.from_json(configuration.read_text(encoding="utf-8")) == CONFIG
    assert model.name == "digits-seed-0.keras"
    assert {"config.json", "model.weights.h5"} <= set(zipfile.ZipFile(model).namelist())

    _report_is_drawn_and_keeps_nobody_out(open_page, report)
    _configuration_is_given_back(page, configuration)


def _report_is_drawn_and_keeps_nobody_out(open_page, file):
    asked = []
    opened = open_page(file.as_uri(), width=320, scheme="dark")
    opened.on("request", lambda request: asked.append(request.url))
    opened.reload()
    expect(opened.locator("path.js-line").last).to_be_attached()
    # Drawn for the dark screen.
    expect(opened.locator(".main-svg").first).to_have_css("background-color", "rgb(23, 22, 20)")
    for summary in opened.locator("summary").all():
        summary.click()

    assert findings(opened) == []
    assert asked == [file.as_uri()]
    assert opened.evaluate("document.documentElement.scrollWidth") == 320


def _configuration_is_given_back(page, file):
    page.goto(re.sub(r"\?.*", "?data=wine&epochs=2&seeds=2&hidden=4", page.url))
    finished(page)
    page.locator("summary", has_text="Load an experiment").click()
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(file)
    expect(page).to_have_url(re.compile(r"data=digits.*l2=0\.01"))
    finished(page)
