"""The kinds of objects that a verification creates, their maximum numbers, and the search for those of earlier runs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.provisioning.removing import find_marked, list_whole
from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.data_prep import MAPPING_SET
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.finding import name_of
from airflow_provider_payments.aep.resources.flow_service import BASE_CONNECTION, SOURCE_CONNECTION, TARGET_CONNECTION
from airflow_provider_payments.aep.resources.schema_registry import FIELD_GROUP, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
    from airflow_provider_payments.aep.resources.marks import Mark

__all__ = ["FORBIDDEN", "KINDS", "NAME_PREFIX", "OWNER", "find_marked_objects", "max_objects"]

log = logging.getLogger(__name__)

#: The status of a request that the credential lacks a permission for.
FORBIDDEN = 403
#: The owner in the marks of a verification's objects, and the beginning of their names.
OWNER, NAME_PREFIX = "payments-verify", "payments verify"
#: The kinds by key, in the order of their creation: each may refer to earlier ones.
KINDS = {
    kind.name.replace(" ", "_"): kind
    for kind in (
        FIELD_GROUP,
        SCHEMA,
        DATASET,
        MAPPING_SET,
        BASE_CONNECTION,
        SOURCE_CONNECTION,
        TARGET_CONNECTION,
        DATAFLOW,
    )
}
#: Maximum number of objects of each kind that checks create in addition to the measured ones.
EXTRA_OBJECTS = {
    "field_group": 6,
    "schema": 5,
    "dataset": 6,
    "mapping_set": 8,
    "base_connection": 2,
    "source_connection": 6,
    "target_connection": 9,
    "dataflow": 9,
}


def max_objects(kind: str, size: int) -> int:
    """
    Return the maximum number of objects of a kind that a verification creates.

    :param kind: key of the kind.
    :param size: number of objects of the kind that are measured.
    """
    return size + EXTRA_OBJECTS[kind]


def find_marked_objects(client: Client) -> dict[str, list[RemoteObject]]:
    """
    Return the listed objects of verifications in the sandbox, by kind.

    An object must have both the mark and the name prefix of a verification, because a DAG whose id equals the owner in
    the mark marks its objects in the same way. A kind that the credential may not list is left out with a warning.

    :raises PlatformError: if a list cannot be read to its end, or the credential may not list any kind.
    """
    found: dict[str, list[RemoteObject]] = {}
    refusals: list[RequestError] = []
    for key, kind in KINDS.items():
        try:
            found[key] = _marked(client, kind, found)
        except RequestError as error:
            if error.status != FORBIDDEN:
                raise
            log.warning("Objects of kind %s that an earlier verification left behind are not deleted: %s", kind, error)
            refusals.append(error)
    if not any(KINDS[key].carries_mark for key in found):
        raise refusals[0]
    return found


def _marked(client: Client, kind: Kind, found: Mapping[str, list[RemoteObject]]) -> list[RemoteObject]:
    """
    Return the listed objects of a kind that verifications have created.

    Mapping sets carry no mark, so those of the schemas that were found count.
    """
    if kind.carries_mark:
        marked = find_marked(client, kind, _is_of_verification)
        return [existing for existing in marked if name_of(kind, existing).startswith(f"{NAME_PREFIX} ")]
    schemas = {existing.id for existing in found.get("schema", [])}
    return (
        [existing for existing in list_whole(client, kind) if kind.belongs_to(existing) in schemas] if schemas else []
    )


def _is_of_verification(mark: Mark | None) -> bool:
    return mark is not None and mark.owner == OWNER
