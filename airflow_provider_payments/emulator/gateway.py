"""What the gateway asks of every platform call before a service sees it."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_payments.emulator.refusals import GatewayRefusal, PlainRefusal
from airflow_provider_payments.emulator.world import World


def admit(world: World, method: str, headers: Mapping[str, str], has_body: bool) -> None:
    """Let a call pass or raise what the gateway answers, in the gateway's order: token, key, organisation, content.

    :param headers: lower-case names.
    :param has_body: whether the request carries a body at all.
    """
    authorization = headers.get("authorization", "").strip()
    if not authorization:
        raise GatewayRefusal("403010", "Oauth token is missing.")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not world.tokens.is_valid(token.strip(), world.clock.now()):
        raise GatewayRefusal("401013", "Oauth token is not valid")
    api_key = headers.get("x-api-key", "")
    if not api_key:
        raise GatewayRefusal("403000", "Api Key is required")
    if api_key != world.options.client_id:
        raise GatewayRefusal("403003", "Api Key is invalid")
    org = headers.get("x-gw-ims-org-id", "")
    if not org:
        raise GatewayRefusal("400003", "Missing header")
    if org != world.options.org:
        raise GatewayRefusal("403025", "Profile is not valid")
    if has_body and method in ("POST", "PUT", "PATCH") and not _is_json(headers.get("content-type", "")):
        raise PlainRefusal(400, "BadRequestError", "A valid content-type must be specified")


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))
