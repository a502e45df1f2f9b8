"""Actions: what a request may ask of a resource's state. Most are for the providers of sources only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.core.call import Call
from airflow_provider_payments.emulator.core.refusals import FlowRefusal
from airflow_provider_payments.emulator.flow_service.patches import check_current
from airflow_provider_payments.emulator.flow_service.payloads import invalid, optional, queried

_PROVIDERS = ("finalize", "finalize_update")
_SUB_OPERATIONS = ("apply", "rollback", "progress")
_STATUSES = (
    *("in_progress", "completed", "success", "partial_success"),
    *("failed", "partial_failure", "queued", "scheduled"),
)


def operation_of(call: Call, offered: tuple[str, ...], etag: str) -> str:
    """The operation that a request asks for, in lower case, or a refusal.

    :param offered: what clients may do with a resource of this kind.
    :param etag: the resource's current one; ``If-Match`` may be left out, but not differ.
    """
    check_current(call, etag)
    given = queried(call, "op")
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


def _is_progress(call: Call) -> bool:
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
    # Documents write it both ways: inProgress and IN_PROGRESS.
    plain = status.lower().replace("_", "")
    if plain not in {known.replace("_", "") for known in _STATUSES}:
        raise invalid("1437-400", f"The status value '{status[:40]}' is none of: {', '.join(_STATUSES)}.")
    if plain == "failed" and progress:
        raise invalid("1407-400", "The sub operation progress does not go with the status failed.")
    percent = body.get("percentCompleted", 100)
    if plain in ("failed", "completed") and percent != 100:
        raise invalid("1408-400", "'percentCompleted' must be 100 when the status is completed or failed.")
