"""Which kinds of objects a verification makes, how many of each at most, and how they are found again."""

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

__all__ = ["FORBIDDEN", "KINDS", "NAME", "OWNER", "find_marked_objects", "max_objects"]

log = logging.getLogger(__name__)

#: The status of what a credential lacks the right to.
FORBIDDEN = 403
#: Whom the marks name, and how names begin.
OWNER, NAME = "payments-verify", "payments verify"
#: The kinds in the order of their creation; each may refer to those before it.
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
#: Objects of a kind that checks make at most, besides those that are measured.
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
    Return how many objects of a kind a verification makes at most.

    :param size: how many are measured.
    """
    return size + EXTRA_OBJECTS[kind]


def find_marked_objects(client: Client) -> dict[str, list[RemoteObject]]:
    """
    Return by kind what verifications have made in the sandbox, as lists show it.

    The name counts besides the mark: the marks of a DAG that is called like their owner name it, too.

    A kind that the credential may not list has none.

    :raises PlatformError: if a list cannot be read to its end, or the credential may list no kind.
    """
    found: dict[str, list[RemoteObject]] = {}
    refusals: list[RequestError] = []
    for key, kind in KINDS.items():
        try:
            found[key] = _ours(client, kind, found)
        except RequestError as error:
            if error.status != FORBIDDEN:
                raise
            log.warning("What an earlier verification has left of kind %s is not removed: %s", kind, error)
            refusals.append(error)
    if not any(KINDS[key].carries_mark for key in found):
        raise refusals[0]
    return found


def _ours(client: Client, kind: Kind, before: Mapping[str, list[RemoteObject]]) -> list[RemoteObject]:
    """Return what verifications have made of a kind; mapping sets carry no mark: theirs are those of their schemas."""
    if kind.carries_mark:
        found = find_marked(client, kind, _is_ours)
        return [existing for existing in found if name_of(kind, existing).startswith(f"{NAME} ")]
    schemas = {existing.id for existing in before.get("schema", [])}
    return (
        [existing for existing in list_whole(client, kind) if kind.belongs_to(existing) in schemas] if schemas else []
    )


def _is_ours(mark: Mark | None) -> bool:
    return mark is not None and mark.owner == OWNER
