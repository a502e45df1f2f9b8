"""Refusals by their codes."""

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
# By the first part of a code, what makes a refusal from the rest and a detail.
_SERVICES: Mapping[str, Callable[[str, str], Refusal]] = {
    "FLOW": FlowRefusal,
    "XDM": lambda number, detail: RegistryRefusal(number, "", detail),
    "MAPPER": lambda number, detail: DataPrepRefusal(number, "", detail),
    "SMS": SandboxesRefusal,
}


def with_code(code: str, status: int, detail: str) -> Refusal:
    """A refusal with a status, by the service whose code it has, else by the gateway.

    :param code: empty, or a title such as ``NotFoundError``, for a plain refusal.
    """
    match = _SERVICE_CODE.fullmatch(code)
    if match is not None:
        refusal = _SERVICES[match[1]](match[2], detail)
        refusal.status = status
        return refusal
    if not code or _TITLE.fullmatch(code):
        return PlainRefusal(status, detail, title=code)
    return GatewayRefusal(code, detail, status=status)
