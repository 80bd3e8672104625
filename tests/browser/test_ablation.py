"""The page on ablation in a real browser: arrival, patience that moves at once, and nobody kept out."""

import re

from playwright.sync_api import expect

from tests.browser.lab_page import figure, finished, press, rows
from tests.browser.test_accessibility import check, open_all

QUERY = (
    "data=digits&n_train=40&n_val=30&label_noise=0.3&hidden=8&epochs=6&seeds=2&shift=1&patience=2&members=2"
)


def test_parts_are_told_patience_moves_at_once_and_nobody_is_kept_out(server, open_page):
    page = finished(open_page(f"{server.url}/ablation?{QUERY}", scheme="dark"))
    expect(page).to_have_title("Ablation · Regularization Lab")
    expect(figure(page, "Validation error, one part after another, 2 seeds: none: ")).to_be_visible()
    expect(figure(page, "Change of the validation error by each part.")).to_be_visible()
    expect(page.get_by_text(re.compile("^All parts together")).first).to_be_visible()
    table = page.locator(".st-key-ablation-table").get_by_role("table")
    runs = [row[0] for row in rows(table)]
    assert runs[:2] == ["none", "augmentation alone"]
    assert runs[-2:] == ["all but ensemble", "all"]
    expect(table.get_by_role("img", name=re.compile("^lower on . of 2 seeds$"))).to_have_count(len(runs) - 1)

    press(page, "Patience, epochs", "ArrowLeft")

    expect(page).to_have_url(re.compile("patience=1"))
    expect(page.get_by_text("Read off the recording: nothing was trained again.")).to_be_visible()

    open_all(page)
    check(page, 320)
