"""The refusals of the Schema Registry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow_provider_payments.emulator.core.refusals import NumberedRefusal


class RegistryRefusal(NumberedRefusal):
    """A refusal with an XDM code."""

    titles: ClassVar[Mapping[str, str]] = {"2010-403": "Permission management access denied"}

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {
            "type": f"http://ns.adobe.com/aep/errors/XDM-{self.label}",
            "title": self.title,
            "status": self.status,
            "report": {
                "registryRequestId": request_id,
                "timestamp": datetime.fromtimestamp(at, UTC).strftime("%m-%d-%Y %H:%M:%S"),
                "detailed-message": self.detail,
                "sub-errors": [],
            },
            "detail": self.detail,
        }
