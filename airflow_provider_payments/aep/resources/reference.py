"""References to existing objects that a chain uses without changing them, except for the owner in their mark."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import attrs

from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.resources.converters import named

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Reads
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
    from airflow_provider_payments.aep.services import Json


@attrs.frozen(kw_only=True, field_transformer=named)
class Reference(Resource):
    """An existing object that is used as it is; only the owner in its mark can change."""

    # The object is known by its id, so a reference needs no name.
    name: str = ""

    def body(self) -> Json:
        raise NotImplementedError("an object that is only referred to is never created")

    def desired_fields(self) -> Json:
        return {}

    def actual_fields(self, reads: Reads, existing: RemoteObject) -> Json:
        return {}


@cache
def reference_to(of: Kind) -> type[Reference]:
    """Return the class of references to objects of one kind."""

    class ReferenceToKind(Reference):
        kind = of

    return ReferenceToKind
