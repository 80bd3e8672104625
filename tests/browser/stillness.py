"""Waiting for a page that has come to rest: nothing trains, nothing runs, nothing moves."""

from playwright.sync_api import Page, expect

QUIET_MS = 700

# Resolves once nothing in the page has changed for so many milliseconds, and no transition is under way.
UNTIL_QUIET = """quiet => new Promise(resolve => {
    const moves = () => document.getAnimations().some(
        each => each.playState === "running" && each.effect.getComputedTiming().endTime !== Infinity
    );
    let timer;
    const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => moves() ? wait() : (watcher.disconnect(), resolve()), quiet);
    };
    const watcher = new MutationObserver(wait);
    watcher.observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
    wait();
})"""


def still(page: Page) -> Page:
    """Wait until the page's script and its runs have ended, all is drawn, and nothing moves any more."""
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()
    expect(page.get_by_test_id("stMain").get_by_role("heading").first).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    page.evaluate(UNTIL_QUIET, QUIET_MS)
    return page
