"""The cookie by which a visitor finds his runs again."""

import asyncio
import re

import pytest
from starlette.responses import Response

from regcore.hosting.desk import NAME, DeskCookie, new_token, token_of
from tests.asgi import ask

PAGE = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
FRAMED = [("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Site", "cross-site")]
TOKEN = "AbCdEfGhIjKlMnOpQrSt-_"


def cookies(*headers, status=200, kind="text/html", **how):
    """Return the cookies that a page answers with."""
    app = DeskCookie(Response("a page", status, media_type=kind))
    return ask(app, "/lab", headers, **how).all("set-cookie")


def test_who_opens_a_page_gets_a_random_token():
    (one,), (other,) = cookies(PAGE), cookies(PAGE)

    assert re.fullmatch(rf"{NAME}=[\w-]{{22}}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", one)
    assert one != other


def test_a_token_has_128_bits_and_is_taken_for_one():
    tokens = {new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert all(token_of({NAME: token}) == token for token in tokens)


def test_who_has_a_token_keeps_it_for_another_year():
    (cookie,) = cookies(PAGE, ("Cookie", f'broken="; {NAME}={TOKEN}; _streamlit_xsrf=1|2'))

    assert cookie.startswith(f"{NAME}={TOKEN}; ")


@pytest.mark.parametrize("text", ["", "short", TOKEN + "x", TOKEN[:-1] + "é", "../../../../etc/passwd"])
def test_what_is_no_token_is_replaced(text):
    assert token_of({NAME: text}) is None
    (cookie,) = cookies(PAGE, ("Cookie", f"{NAME}={text}"))
    assert not cookie.startswith(f"{NAME}={text};")


def test_a_page_that_the_browser_has_already_comes_with_the_cookie_as_well():
    assert len(cookies(PAGE, status=304, kind=None)) == 1


@pytest.mark.parametrize("status", [301, 400, 404, 500])
def test_what_is_no_page_sets_no_cookie(status):
    assert cookies(PAGE, status=status) == []


def test_files_and_health_checks_set_no_cookie():
    assert cookies(("Accept", "*/*")) == []
    assert cookies() == []
    assert cookies(PAGE, kind="text/plain") == []
    assert cookies(PAGE, method="POST") == []


@pytest.mark.parametrize(
    ("headers", "scheme", "attributes"),
    [
        ([], "http", "SameSite=Lax"),
        ([], "https", "SameSite=Lax; Secure"),
        ([("X-Forwarded-Proto", "https,http")], "http", "SameSite=Lax; Secure"),
        ([("X-Forwarded-Proto", "https"), *FRAMED], "http", "SameSite=None; Secure; Partitioned"),
        (FRAMED, "https", "SameSite=None; Secure; Partitioned"),
        # Without https a browser takes no cookie in another site's frame, whatever it says.
        (FRAMED, "http", "SameSite=Lax"),
        ([("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Site", "same-origin")], "https", "SameSite=Lax; Secure"),
    ],
)
def test_attributes_are_what_the_way_to_the_page_asks_for(headers, scheme, attributes):
    (cookie,) = cookies(PAGE, *headers, scheme=scheme)

    assert cookie.endswith(f"; HttpOnly; {attributes}")


def test_websockets_pass_untouched():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    scope = {"type": "websocket", "path": "/_stcore/stream"}
    asyncio.run(DeskCookie(app)(scope, None, None))
    assert seen == [scope]
