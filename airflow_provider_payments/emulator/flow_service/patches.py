"""JSON Patch in Flow Service: ``If-Match`` first, then only what a resource lets be written."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.exchange import Call
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
        raise FlowRefusal("1405-400", "The request body must not be empty.", title="Invalid request")
    try:
        patch = parse_patch(document)
        for instruction in patch:
            _check_path(instruction, writable)
        return apply_patch(resource.content, patch)
    except PatchError as error:
        raise FlowRefusal(_CODES[error.reason], error.detail, title="Invalid request") from error


def _check_match(call: Call, etag: str) -> None:
    given = call.headers.get("if-match", "").strip()
    if not given:
        raise FlowRefusal("1403-400", "The header If-Match is missing.", title="Header is missing")
    if given != etag:
        raise stale(given, etag)


def stale(given: str, etag: str) -> FlowRefusal:
    """The refusal of a version that is not the current one.

    :param given: the version in ``If-Match``.
    """
    return FlowRefusal("1404-412", f"The version {given[:80]} is not the current one of the resource, {etag}.")


def _check_path(instruction: Instruction, writable: Collection[str]) -> None:
    if instruction.steps[0] == "connectionSpec":
        raise FlowRefusal("1414-400", "The connection spec of a connection cannot be changed.", title="Invalid request")
    if instruction.steps[0] not in writable:
        raise FlowRefusal("1365-400", f"The path '{instruction.path[:100]}' cannot be patched.")
