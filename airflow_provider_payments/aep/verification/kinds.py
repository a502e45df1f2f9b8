"""Which kinds of objects a verification makes, how many of each at most, and how they are found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.provisioning.removing import find_marked, list_whole
from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.data_prep import MAPPING_SET
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.finding import name_of
from airflow_provider_payments.aep.resources.flow_service import BASE_CONNECTION, SOURCE_CONNECTION, TARGET_CONNECTION
from airflow_provider_payments.aep.resources.schema_registry import FIELD_GROUP, SCHEMA

if TYPE_CHECKING:
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.resources.kind import Existing, Kind
    from airflow_provider_payments.aep.resources.marks import Mark

__all__ = ["KINDS", "NAME", "OWNER", "find_marked_objects", "max_objects"]

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


def find_marked_objects(client: Client) -> dict[str, list[Existing]]:
    """
    Return by kind what verifications have made in the sandbox, as lists show it.

    The name counts besides the mark: the marks of a DAG that is called like their owner name it, too.

    :raises PlatformError: if a list cannot be read to its end.
    """
    found = {key: _marked(client, kind) for key, kind in KINDS.items() if kind.carries_mark}
    # Mapping sets carry no mark: theirs are those of schemas that do.
    schemas = {existing.id for existing in found["schema"]}
    sets = list_whole(client, MAPPING_SET) if schemas else []
    return found | {"mapping_set": [existing for existing in sets if MAPPING_SET.belongs_to(existing) in schemas]}


def _marked(client: Client, kind: Kind) -> list[Existing]:
    found = find_marked(client, kind, _is_ours)
    return [existing for existing in found if name_of(kind, existing).startswith(f"{NAME} ")]


def _is_ours(mark: Mark | None) -> bool:
    return mark is not None and mark.owner == OWNER
