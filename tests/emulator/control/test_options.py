"""The options of dates and tokens, and the rules that all options have in common."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests.emulator.client import CREDENTIALS, FLOW, Client


def choose(client: Client, **options: Any) -> dict[str, Any]:
    return dict(client.control("PUT", "options", json=options))


@pytest.mark.parametrize("ahead", [3.2, -600, 0])
def test_dates_are_ahead_of_the_clock(client: Client, ahead: float) -> None:
    choose(client, dates_ahead=ahead)
    date = client.ask("GET", f"{FLOW}/flows").headers["Date"]
    assert parsedate_to_datetime(date).timestamp() == int(client.now() + ahead)


def test_tokens_expire_after_their_lifetime(client: Client) -> None:
    old = str(client.session.headers["Authorization"])
    choose(client, token_seconds=60)
    answer = requests.post(f"{client.url}/ims/token/v3", data=CREDENTIALS, timeout=5).json()
    assert answer["expires_in"] == 60
    client.session.headers["Authorization"] = f"Bearer {answer['access_token']}"
    client.advance(59)
    assert client.ask("GET", f"{FLOW}/flows").status_code == 200
    client.advance(1)
    assert client.refused("GET", f"{FLOW}/flows", 401)["error_code"] == "401013"
    client.session.headers["Authorization"] = old
    assert client.ask("GET", f"{FLOW}/flows").status_code == 200


def test_options_that_are_not_named_keep_their_values(client: Client) -> None:
    before = choose(client, sandbox_admin=True, dates_ahead=2, names={"dataset": "once"})
    after = choose(client, token_seconds=5, names={"dataflow": "once"})
    assert after == {**before, "token_seconds": 5, "names": {**before["names"], "dataflow": "once"}}
    assert client.control("GET", "options") == after
    client.control("POST", "reset")
    client.sign_in()
    assert choose(client)["names"]["dataset"] == "twice"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"lag": {}}, "'lag' is unknown in the options: known are dates_ahead, lags"),
        ({"sandbox_admin": 1}, "'sandbox_admin' is 1: it must be true or false"),
        ({"dates_ahead": "3"}, "'dates_ahead' is \"3\": it must be a number from -"),
        ({"token_seconds": 0}, "'token_seconds' is 0: it must be a whole number from 1 to"),
        ({"token_seconds": 1.5}, "'token_seconds' is 1.5: it must be a whole number from 1 to"),
    ],
)
def test_invalid_options_are_refused(client: Client, options: dict[str, Any], named: str) -> None:
    before = client.control("GET", "options")
    body = {"last_run_shows_active": False, **options}
    assert named in client.refused("PUT", "/__emulator__/options", 400, json=body)["error"]
    assert client.control("GET", "options") == before
