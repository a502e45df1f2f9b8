"""The refusals of the control interface."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_payments.emulator.core.refusals import Refusal


class ControlRefusal(Refusal):
    """A refusal of the control interface."""

    def body(self, request_id: str, at: float) -> dict[str, Any]:
        return {"error": self.detail}


def wrong(name: str, value: Any, allowed: str) -> ControlRefusal:
    """Return the refusal of a value.

    :param name: the name of the member or parameter.
    :param allowed: the allowed values; completes the sentence "it must be ...".
    """
    return ControlRefusal(400, f"'{name}' is {json.dumps(value)[:100]}: it must be {allowed}.")


def missing(name: str, why: str = "") -> ControlRefusal:
    """Return the refusal of a body without a required member.

    :param why: continues the sentence "... is missing".
    """
    return ControlRefusal(400, f"'{name}' is missing{why}.")
