"""The gateway's checks of a request, which precede those of the called service."""

from __future__ import annotations

import re
from collections.abc import Mapping

from airflow_provider_payments.emulator.core.call import Dialect
from airflow_provider_payments.emulator.core.refusals import GatewayRefusal, PlainRefusal
from airflow_provider_payments.emulator.organisation import Organisation

_ORGANISATION = re.compile(r"[^@\s]+@AdobeOrg")


def token_invalid() -> GatewayRefusal:
    return GatewayRefusal("401013", "Oauth token is not valid").in_case("invalid_token")


def too_many_requests(headers: Mapping[str, str] | None = None) -> GatewayRefusal:
    return GatewayRefusal("429050", "Too many requests", headers)


def check_request(
    organisation: Organisation, dialect: Dialect, method: str, headers: Mapping[str, str], has_body: bool
) -> None:
    """Check a request in the order token, API key, organisation, rate limit, content type; raise a refusal.

    :param dialect: the called service's own form of refusals; some have their own refusal of an empty organisation.
    :param headers: the request's headers, by lower-case names.
    :param has_body: whether the request has a body.
    """
    authorization = headers.get("authorization", "").strip()
    if not authorization:
        raise GatewayRefusal("403010", "Oauth token is missing.").in_case("no_token")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not organisation.tokens.is_valid(token.strip()):
        raise token_invalid()
    api_key = headers.get("x-api-key", "")
    if not api_key:
        raise GatewayRefusal("403000", "Api Key is required")
    if api_key != organisation.options.client_id:
        raise GatewayRefusal("403003", "Api Key is invalid")
    _check_organisation(organisation.options.org, dialect, headers.get("x-gw-ims-org-id"))
    refused = organisation.rate_limit.refusal_headers(organisation.options.org, api_key)
    if refused is not None:
        raise too_many_requests(refused)
    if has_body and method in ("POST", "PUT", "PATCH") and not _is_json(headers.get("content-type", "")):
        raise PlainRefusal(400, "A valid content-type must be specified")


def _check_organisation(own: str, dialect: Dialect, named: str | None) -> None:
    if named is None:
        raise GatewayRefusal("400003", "Missing header")
    if not named:
        raise dialect.organisation_empty().in_case("empty_organisation")
    if named != own and _ORGANISATION.fullmatch(named) is None:
        raise GatewayRefusal("403027", "User region is missing").in_case("malformed_organisation")
    if named != own:
        raise GatewayRefusal("403025", "Profile is not valid").in_case("wrong_organisation")


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))
