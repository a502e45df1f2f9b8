"""The refusals of sandbox management."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.core.call import Dialect
from airflow_provider_payments.emulator.core.refusals import Refusal

# Only 2010 has been seen in a record of the service.
_NUMBERS = {400: "2001", 403: "2010", 404: "2002"}
_INTERNAL = "2000"


class SandboxesRefusal(Refusal):
    """A refusal with an SMS code.

    :param code: the number and the status, such as ``2010-403``.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(int(code[-3:]), detail, label=code)

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {
            "status": self.status,
            "title": self.detail,
            "type": f"http://ns.adobe.com/aep/errors/SMS-{self.label}",
        }


def refused(status: int, detail: str) -> SandboxesRefusal:
    """Return a refusal with sandbox management's code for a status."""
    return SandboxesRefusal(f"{_NUMBERS.get(status, _INTERNAL)}-{status}", detail)


class SandboxesDialect(Dialect):
    """The dialect of sandbox management, whose requests concern all sandboxes regardless of the sandbox header."""

    def __init__(self) -> None:
        super().__init__(refused)

    def check_sandbox(self, headers: Mapping[str, str], sandboxes: Mapping[str, Any]) -> None:
        return
