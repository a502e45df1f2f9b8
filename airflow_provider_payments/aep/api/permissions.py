"""Which permission of Experience Platform a read needs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.services import CATALOG, DATA_PREP, FLOW_SERVICE, SCHEMA_REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["naming_permission"]

_PERMISSIONS = {
    FLOW_SERVICE: "View Sources",
    DATA_PREP: "View Sources",
    CATALOG: "View Datasets",
    SCHEMA_REGISTRY: "View Schemas",
}


@contextmanager
def naming_permission() -> Iterator[None]:
    """Let a read that is refused with 403 say which permission it needs; a number alone is the gateway's code."""
    try:
        yield
    except RequestError as error:
        permission = next((name for service, name in _PERMISSIONS.items() if error.path.startswith(service)), None)
        if error.status == 403 and permission and not error.code.isdecimal():
            error.add(f"The credential needs the permission {permission!r} to read this")
        raise
