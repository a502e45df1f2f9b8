"""``POST /ims/token/v3`` and its older forms."""

from __future__ import annotations

from urllib.parse import parse_qsl

from airflow_provider_payments.emulator.core.call import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.core.parsing import UnreadableBody
from airflow_provider_payments.emulator.core.refusals import Refusal
from airflow_provider_payments.emulator.ims.tokens import OAuthRefusal, Tokens, check_client

# Credentials and scopes are a few hundred bytes; a form of megabytes would take seconds to read.
MAX_FORM_BYTES = 100_000
_ERRORS = {400: "invalid_request", 401: "invalid_client", 503: "temporarily_unavailable"}


def exchange_credentials(call: Call[Tokens]) -> Answer:
    """Issue a token. The parameters may be in the body or in the query; the body takes precedence."""
    if len(call.raw) > MAX_FORM_BYTES:
        raise UnreadableBody(f"The form is larger than {MAX_FORM_BYTES} bytes.")
    body = parse_qsl(call.raw.decode("utf-8", "replace"), keep_blank_values=True)
    given = {**dict(call.query), **dict(body)}
    options = call.state.options
    check_client(
        given.get("grant_type"),
        given.get("client_id"),
        given.get("client_secret"),
        given.get("scope"),
        (options.client_id, options.client_secret),
    )
    token = call.state.issue()
    return Answer(
        {"access_token": token, "token_type": "bearer", "expires_in": call.state.lifetime()},
        headers={"Cache-Control": "no-store"},
    )


def exchange_jwt(call: Call[Tokens]) -> Answer:
    """Refuse every request: Adobe has ended Service Account (JWT) credentials."""
    raise OAuthRefusal(
        "unauthorized_client",
        "Service Account (JWT) credentials ended on 30 June 2025. Ask /ims/token/v3 for a token with the "
        "client_credentials grant of an OAuth Server-to-Server credential.",
    )


def _refused(status: int, detail: str) -> Refusal:
    return OAuthRefusal(_ERRORS.get(status, "server_error"), detail, status)


DIALECT = Dialect(_refused)
ROUTES: Routes[Tokens] = (
    ("POST", "/token/v3", exchange_credentials),
    ("POST", "/token/v2", exchange_credentials),
    ("POST", "/exchange/jwt", exchange_jwt),
)
