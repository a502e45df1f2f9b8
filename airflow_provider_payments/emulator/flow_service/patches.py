"""JSON Patch in Flow Service: ``If-Match`` first, then only what a resource lets be written."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.exchange import Call
from airflow_provider_payments.emulator.flow_service.payloads import empty_body, invalid
from airflow_provider_payments.emulator.json_patch import Instruction, PatchError, apply_patch, parse_patch
from airflow_provider_payments.emulator.refusals import FlowRefusal

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.flow_service.state import Resource

_CODES = {"malformed": "1455-400", "operation": "1434-400", "path": "1365-400"}


def patched(call: Call, resource: Resource, writable: Collection[str]) -> dict[str, Any]:
    """A resource's content with the patch in a request applied, or a refusal; the resource stays as it is.

    :param writable: top-level members that may be written.
    """
    _check_match(call, resource.etag)
    document = call.json()
    if document is None or document == []:
        raise empty_body()
    try:
        patch = parse_patch(document)
        for instruction in patch:
            _check_path(instruction, writable)
        return apply_patch(resource.content, patch)
    except PatchError as error:
        raise invalid(_CODES[error.reason], error.detail) from error


def _check_match(call: Call, etag: str) -> None:
    if not call.headers.get("if-match", "").strip():
        raise FlowRefusal("1403-400", "The header If-Match is missing.", title="Header is missing")
    check_current(call, etag)


def check_current(call: Call, etag: str) -> None:
    """Refuse an ``If-Match`` that names another version; the quotes are a part of it.

    :param etag: the current version of what the request is about.
    """
    given = call.headers.get("if-match", "").strip()
    if given and given != etag:
        raise FlowRefusal(
            "1404-412", f"Supplied version=[{given[:80]}] does not match the current version on entity=[{etag}]"
        )


def _check_path(instruction: Instruction, writable: Collection[str]) -> None:
    if instruction.steps[0] == "connectionSpec":
        raise invalid("1414-400", "The connection spec of a connection cannot be changed.")
    if instruction.steps[0] not in writable:
        raise FlowRefusal("1365-400", f"The path '{instruction.path[:100]}' cannot be patched.")
