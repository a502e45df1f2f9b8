"""JSON Patch in Flow Service: ``If-Match`` first, then only what a resource lets be written."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.core.call import Call
from airflow_provider_payments.emulator.core.json_patch import (
    Instruction,
    Operation,
    PatchError,
    apply_patch,
    parse_patch,
)
from airflow_provider_payments.emulator.core.refusals import FlowRefusal
from airflow_provider_payments.emulator.flow_service.payloads import empty_body, invalid
from airflow_provider_payments.emulator.flow_service.shapes import KNOWN_FIELDS

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.flow_service.state import Resource

_OFFERED: tuple[Operation, ...] = ("add", "replace", "remove")


def patched(call: Call, kind: str, resource: Resource, writable: Collection[str]) -> dict[str, Any]:
    """A resource's content with the patch in a request applied, or a refusal; the resource stays as it is.

    :param kind: of the resource, as in the path.
    :param writable: top-level members that may be written.
    """
    _check_match(call, resource.etag)
    document = call.json()
    if document is None or document == []:
        raise empty_body()
    try:
        patch = parse_patch(document, _OFFERED)
        for instruction in patch:
            _check_path(instruction, KNOWN_FIELDS[kind], writable)
        return apply_patch(resource.content, patch)
    except PatchError as error:
        raise _refused(error) from error


def _refused(error: PatchError) -> FlowRefusal:
    match error.reason:
        case "operation":
            return invalid("1434-400", error.detail)
        case "path":
            return FlowRefusal("1365-400", error.detail)
    return invalid("1455-400", f"An error has occurred while validating patch instructions: {error.detail}")


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


def _check_path(instruction: Instruction, known: Collection[str], writable: Collection[str]) -> None:
    """Refuse a path that may not be written. To replace or remove what no resource has fails as it is applied."""
    first = instruction.steps[0]
    if first == "connectionSpec":
        raise invalid("1414-400", "The connection spec of a connection cannot be changed.")
    if first not in writable and (first in known or instruction.operation == "add"):
        raise FlowRefusal("1365-400", f"The path '{instruction.path[:100]}' cannot be patched.")
