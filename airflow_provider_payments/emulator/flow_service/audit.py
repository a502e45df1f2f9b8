"""What every resource of Flow Service shows of its origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.flow_service.flow_runs import Run
    from airflow_provider_payments.emulator.flow_service.state import Resource
    from airflow_provider_payments.emulator.organisation import Sandbox


def audit(sandbox: Sandbox, item: Resource | Run) -> dict[str, Any]:
    """Who made something, where, and when."""
    options = sandbox.options
    return {
        "id": item.id,
        "createdAt": item.created,
        "updatedAt": item.updated,
        "createdBy": options.user_id,
        "updatedBy": options.user_id,
        "createdClient": options.client_id,
        "updatedClient": options.client_id,
        "sandboxId": sandbox.id,
        "sandboxName": sandbox.name,
        "imsOrgId": options.org,
    }
