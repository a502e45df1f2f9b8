"""JSON Patch in Flow Service: ``If-Match`` first, then only what a resource lets be written."""

from __future__ import annotations

from collections.abc import Collection

from airflow_provider_payments.emulator.exchange import Call
from airflow_provider_payments.emulator.json_patch import Instruction, PatchError, parse_patch
from airflow_provider_payments.emulator.refusals import FlowRefusal


def check_match(call: Call, etag: str) -> None:
    """Refuse a write without ``If-Match`` or with a stale one; the quotes may be left out.

    :param etag: the current one, quotes included.
    """
    given = call.headers.get("if-match", "").strip()
    if not given:
        raise FlowRefusal("1403-400", "The header If-Match is missing.", title="Header is missing")
    if given.strip('"') != etag.strip('"'):
        raise FlowRefusal("1404-412", f"The version {given[:80]} is not the current one of the resource, {etag}.")


def checked_patch(call: Call, etag: str, writable: Collection[str]) -> list[Instruction]:
    """The patch in a request, or a refusal.

    :param writable: top-level members that may be written.
    """
    check_match(call, etag)
    try:
        patch = parse_patch(call.json())
    except PatchError as error:
        raise refused_patch(error) from error
    for instruction in patch:
        if instruction.steps[0] == "connectionSpec":
            raise FlowRefusal(
                "1414-400", "The connection spec of a connection cannot be changed.", title="Invalid request"
            )
        if instruction.steps[0] not in writable:
            raise FlowRefusal("1365-400", f"The path '{instruction.path[:100]}' cannot be patched.")
    return patch


def refused_patch(error: PatchError) -> FlowRefusal:
    """The numbered refusal of a patch that cannot be applied.

    :param error: what the patch cannot do.
    """
    codes = {"malformed": "1455-400", "operation": "1434-400", "path": "1365-400"}
    return FlowRefusal(codes[error.reason], error.detail, title="Invalid request")
