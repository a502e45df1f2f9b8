"""``POST /ims/token/v3`` and its older sibling."""

from __future__ import annotations

from urllib.parse import parse_qsl

from airflow_provider_payments.emulator.exchange import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.ims.tokens import LIFETIME_SECONDS, check_client
from airflow_provider_payments.emulator.refusals import OAuthRefusal, Refusal


def exchange_credentials(call: Call) -> Answer:
    """The parameters may stand in the body or in the query; the body wins."""
    body = parse_qsl(call.raw.decode("utf-8", "replace"), keep_blank_values=True)
    given = {**dict(call.query), **dict(body)}
    options = call.world.options
    check_client(
        given.get("grant_type"),
        given.get("client_id"),
        given.get("client_secret"),
        given.get("scope"),
        (options.client_id, options.client_secret),
    )
    token = call.world.tokens.issue(call.world.clock.now())
    return Answer({"access_token": token, "token_type": "bearer", "expires_in": LIFETIME_SECONDS})


def _unreadable(detail: str) -> Refusal:
    return OAuthRefusal("invalid_request", detail)


def _no_sandboxes(*_: str) -> Refusal:
    return OAuthRefusal("invalid_request", "IMS knows no sandboxes")


def _failed() -> Refusal:
    return OAuthRefusal("server_error", "The service failed unexpectedly.", 500)


DIALECT = Dialect(_unreadable, _no_sandboxes, _no_sandboxes, _failed)
ROUTES: Routes = (
    ("POST", "/token/v3", exchange_credentials),
    ("POST", "/token/v2", exchange_credentials),
)
