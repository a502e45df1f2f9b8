"""The permissions of Experience Platform that reads require, named in errors."""

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
    """Add the required permission to the error of a read that a service, not the gateway, refuses with 403."""
    try:
        yield
    except RequestError as error:
        permission = next((name for service, name in _PERMISSIONS.items() if error.path.startswith(service)), None)
        if error.status == 403 and permission and not error.code.isdecimal():  # the gateway's codes are numbers
            error.add(f"The credential needs the permission {permission!r} to read this")
        raise
