"""Building the refusal that belongs to a code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from airflow_provider_payments.emulator.core.refusals import GatewayRefusal, PlainRefusal, Refusal
from airflow_provider_payments.emulator.data_prep.refusals import DataPrepRefusal
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal
from airflow_provider_payments.emulator.sandboxes.refusals import SandboxesRefusal
from airflow_provider_payments.emulator.schema_registry.refusals import RegistryRefusal

_SERVICE_CODE = re.compile(r"(FLOW|XDM|MAPPER|SMS)-(\d{4}-\d{3})")
_TITLE = re.compile(r"[A-Z][a-z][A-Za-z]*")
# By the first part of a code, a function that builds a refusal from the rest of the code and a detail.
_SERVICES: Mapping[str, Callable[[str, str], Refusal]] = {
    "FLOW": FlowRefusal,
    "XDM": lambda number, detail: RegistryRefusal(number, "", detail),
    "MAPPER": lambda number, detail: DataPrepRefusal(number, "", detail),
    "SMS": SandboxesRefusal,
}


def with_code(code: str, status: int, detail: str) -> Refusal:
    """Return a refusal with a status and a code, in the form of the service that has such codes, or of the gateway.

    :param code: the code; empty, or a title such as ``NotFoundError``, for a plain refusal.
    """
    match = _SERVICE_CODE.fullmatch(code)
    if match is not None:
        refusal = _SERVICES[match[1]](match[2], detail)
        refusal.status = status
        return refusal
    if not code or _TITLE.fullmatch(code):
        return PlainRefusal(status, detail, title=code)
    return GatewayRefusal(code, detail, status=status)
