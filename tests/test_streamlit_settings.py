""".streamlit/config.toml: what Streamlit makes of it, and whether its colours can be read."""

import tomllib
from pathlib import Path

import pytest
from streamlit import config
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.watcher.folder_black_list import FolderBlackList

from regcore.figures import COLOURS

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
# Streamlit's own: the page, its sidebar and its widgets.
PAPERS = {"light": ("#ffffff", "#f8f8f7"), "dark": ("#171614", "#21201d")}


def luminance(colour):
    """Return the relative luminance of WCAG 2."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_and_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["primaryColor", "linkColor"])
def test_text_in_the_colours_of_the_theme_passes_aa(scheme, name):
    assert all(contrast(SETTINGS["theme"][scheme][name], paper) >= 4.5 for paper in PAPERS[scheme])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_white_tick_on_a_ticked_box_passes_aa(scheme):
    assert contrast(SETTINGS["theme"][scheme]["primaryColor"], "#ffffff") >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("colour", COLOURS)
def test_lines_of_figures_pass_aa_on_the_page(scheme, colour):
    assert contrast(colour, PAPERS[scheme][0]) >= 3


@pytest.fixture(scope="module")
def seen():
    """Return what a server of this folder sees of its settings, whatever other tests have set."""
    config.get_config_options(force_reparse=True)
    return config.get_option


def test_no_other_site_or_program_may_speak_to_the_server(seen):
    assert seen("server.enableCORS") and seen("server.enableXsrfProtection")
    assert not seen("server.corsAllowedOrigins") and not seen("server.trustedUserHeaders")
    assert not seen("server.enableAgentApi")
    assert not seen("server.enableStaticServing") and not seen("server.scriptHealthCheckEnabled")


def test_nothing_is_told_to_others(seen):
    assert seen("browser.gatherUsageStats") is False
    assert seen("client.showErrorDetails") == "type"
    assert seen("client.showErrorLinks") == "false"
    assert seen("logger.enableRich") is False
    assert seen("client.toolbarMode") == "minimal"


def test_what_a_visitor_can_send_is_bounded(seen):
    # Thirty visitors, each with a file in memory, beside a server and two workers of 1.5 GB, in 2.7 GB.
    assert seen("server.maxUploadSize") * 30 <= 1000
    assert seen("server.maxWidgetStateSize") <= 2
    assert seen("server.maxMessageSize") <= 50
    assert seen("server.disconnectedSessionTTL") <= 120


def test_what_is_sent_by_its_hash_is_there_though_the_server_is_late(seen):
    # With two, Streamlit's own, a page asked for anew while it is drawn may be sent what it has dropped.
    assert seen("global.maxCachedMessageAge") >= 20
    assert seen("global.minCachedMessageSize") == 1000


def test_streamlit_knows_every_setting():
    told = {
        f"{section}.{name}"
        for section, values in SETTINGS.items()
        for name, value in values.items()
        if not isinstance(value, dict)
    }
    assert told <= config._config_options_template.keys()


def test_the_library_is_not_reloaded_under_a_running_server():
    ignored = FolderBlackList(SETTINGS["server"]["folderWatchBlacklist"])

    assert ignored.is_blacklisted(str(ROOT / "regcore" / "config.py"))
    assert ignored.is_blacklisted(str(ROOT / "regcore" / "execution" / "run.py"))
    assert not ignored.is_blacklisted(str(ROOT / "pages" / "ui" / "state.py"))


def test_two_runs_of_a_page_are_never_at_once_in_the_state_of_a_session():
    # Streamlit locks for one run of a page, not for the session: with fast reruns a run that ends looks
    # through a state that the next one changes. Once its lock is shared the setting can go.
    state = SessionState()
    one, next_one = (SafeSessionState(state, lambda: None) for _ in range(2))

    assert SETTINGS["runner"]["fastReruns"] is False
    assert one._lock is not next_one._lock
