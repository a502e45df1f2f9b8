"""Drafts: what may be incomplete until it is published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_payments.emulator.core.call import Call
from airflow_provider_payments.emulator.core.refusals import FlowRefusal
from airflow_provider_payments.emulator.flow_service.payloads import invalid
from airflow_provider_payments.emulator.flow_service.state import DRAFT, Resource


def is_wanted(call: Call, body: Mapping[str, Any]) -> bool:
    """Whether a creation asks for a draft, which only the query can."""
    mode = call.first("mode")
    if body.get("mode") is not None or mode not in (None, DRAFT):
        raise FlowRefusal("1368-400", "'mode' is not allowed but as the query parameter mode=draft.")
    return mode == DRAFT


def check_unpublished(resource: Resource) -> None:
    """Refuse to publish what is no draft."""
    if resource.state != DRAFT:
        raise invalid("1422-400", f"The action publish cannot be applied in the state {resource.state}.")


def check_published(end: Resource) -> None:
    """Refuse to build something complete on a draft."""
    if end.state == DRAFT:
        raise FlowRefusal("1014-400", f"{end.id} is a draft; publish it first.")
