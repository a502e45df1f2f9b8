"""The checks that all writes have in common: of ``If-Match``, JSON Patch, actions and drafts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from airflow_provider_payments.emulator.core.call import Call
from airflow_provider_payments.emulator.core.json_patch import (
    Instruction,
    Operation,
    PatchError,
    apply_patch,
    parse_patch,
)
from airflow_provider_payments.emulator.flow_service.model import DRAFT, KNOWN_FIELDS, Resource
from airflow_provider_payments.emulator.flow_service.payloads import optional, required_parameter
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal, empty_body, invalid

_OFFERED: tuple[Operation, ...] = ("add", "replace", "remove")


def patched(call: Call[Any], kind: str, resource: Resource, writable: Collection[str]) -> dict[str, Any]:
    """Return the content of a resource with the patch of a request applied; the resource itself is not changed.

    :param kind: the kind of the resource, as in the path.
    :param writable: the top-level members that may be written; a patch of any other member is refused.
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


def _check_match(call: Call[Any], etag: str) -> None:
    if not call.headers.get("if-match", "").strip():
        raise FlowRefusal("1403-400", "The header If-Match is missing.", title="Header is missing")
    check_current(call, etag)


def check_current(call: Call[Any], etag: str) -> None:
    """Refuse an ``If-Match`` that names another version than the current one.

    :param etag: the current version, with its quotes.
    """
    given = call.headers.get("if-match", "").strip()
    if given and given != etag:
        raise FlowRefusal(
            "1404-412", f"Supplied version=[{given[:80]}] does not match the current version on entity=[{etag}]"
        )


def _check_path(instruction: Instruction, known: Collection[str], writable: Collection[str]) -> None:
    """Refuse a path that may not be written. A patch that replaces or removes an unknown member fails later."""
    first = instruction.steps[0]
    if first == "connectionSpec":
        raise invalid("1414-400", "The connection spec of a connection cannot be changed.")
    if first not in writable and (first in known or instruction.operation == "add"):
        raise FlowRefusal("1365-400", f"The path '{instruction.path[:100]}' cannot be patched.")


_PROVIDERS = ("finalize", "finalize_update")
_SUB_OPERATIONS = ("apply", "rollback", "progress")
_STATUSES = (
    *("in_progress", "completed", "success", "partial_success"),
    *("failed", "partial_failure", "queued", "scheduled"),
)


def operation_of(call: Call[Any], offered: tuple[str, ...], etag: str) -> str:
    """Return the requested operation in lower case; raise a refusal of any other than the offered operations.

    :param offered: the operations of this kind of resource.
    :param etag: the current etag; ``If-Match`` may be left out, but must not differ from it.
    """
    check_current(call, etag)
    given = required_parameter(call, "op")
    operation = given.lower().replace("-", "_")
    if operation not in (*offered, *_PROVIDERS):
        raise FlowRefusal("1398-400", f"The operation '{given[:40]}' is none of: {', '.join(offered)}.")
    progress = _is_progress(call)
    if call.raw.strip():
        _check_status(call.json_object(), progress)
    if operation in _PROVIDERS:
        raise invalid("1402-400", f"The action '{operation}' is for requests of providers only.")
    if progress:
        raise invalid("1436-400", f"The operation {operation} does not take the sub operation progress.")
    return operation


def _is_progress(call: Call[Any]) -> bool:
    given = [part.strip().lower() for name, text in call.query if name == "subOp" for part in text.split(",")]
    unknown = next((one for one in given if one and one not in _SUB_OPERATIONS), None)
    if unknown is not None:
        raise invalid("1435-400", f"The sub operation '{unknown[:40]}' is none of: {', '.join(_SUB_OPERATIONS)}.")
    if "progress" in given and len(given) > 1:
        raise invalid("1406-400", "The sub operation progress cannot stand beside others.")
    return "progress" in given


def _check_status(body: Mapping[str, Any], progress: bool) -> None:
    status = optional(body, "status.value", str)
    if status is None:
        return
    # The documents use both inProgress and IN_PROGRESS.
    plain = status.lower().replace("_", "")
    if plain not in {known.replace("_", "") for known in _STATUSES}:
        raise invalid("1437-400", f"The status value '{status[:40]}' is none of: {', '.join(_STATUSES)}.")
    if plain == "failed" and progress:
        raise invalid("1407-400", "The sub operation progress does not go with the status failed.")
    percent = body.get("percentCompleted", 100)
    if plain in ("failed", "completed") and percent != 100:
        raise invalid("1408-400", "'percentCompleted' must be 100 when the status is completed or failed.")


def requests_draft(call: Call[Any], body: Mapping[str, Any]) -> bool:
    """Return whether a request creates a draft, which only its query may request."""
    mode = call.parameter("mode")
    if body.get("mode") is not None or mode not in (None, DRAFT):
        raise FlowRefusal("1368-400", "'mode' is not allowed but as the query parameter mode=draft.")
    return mode == DRAFT


def check_unpublished(resource: Resource) -> None:
    """Refuse to publish a resource that is not a draft."""
    if resource.state != DRAFT:
        raise invalid("1422-400", f"The action publish cannot be applied in the state {resource.state}.")


def check_published(end: Resource) -> None:
    """Refuse a reference to a draft from a resource that is not a draft itself."""
    if end.state == DRAFT:
        raise FlowRefusal("1014-400", f"{end.id} is a draft; publish it first.")
