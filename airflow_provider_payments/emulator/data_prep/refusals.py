"""The refusals of Data Prep."""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.emulator.core.refusals import NumberedRefusal


class DataPrepRefusal(NumberedRefusal):
    """A refusal with a MAPPER code."""

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {
            "type": f"https://ns.adobe.com/aep/errors/MAPPER-{self.label}",
            "title": self.title,
            "status": self.status,
            "report": {"detailed-message": self.detail, "request-id": request_id},
            "detail": self.detail,
        }


def refused(status: int, detail: str) -> DataPrepRefusal:
    """Return a refusal with Data Prep's code for a status."""
    return DataPrepRefusal(f"{1404 if status == 404 else 1000}-{status}", "", detail)


def invalid(detail: str) -> DataPrepRefusal:
    """Return the refusal of an invalid request."""
    return refused(400, detail)
