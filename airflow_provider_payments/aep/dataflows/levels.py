"""The kinds of a chain, in levels: what an object refers to is of a level above, so a level can be made at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.resources.catalog import DATASET
from airflow_provider_payments.aep.resources.data_prep import MAPPING_SET
from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
from airflow_provider_payments.aep.resources.flow_service import BASE_CONNECTION, SOURCE_CONNECTION, TARGET_CONNECTION
from airflow_provider_payments.aep.resources.identity import IDENTITY
from airflow_provider_payments.aep.resources.profile import SchemaProfile
from airflow_provider_payments.aep.resources.schema_registry import FIELD_GROUP, SCHEMA

if TYPE_CHECKING:
    from airflow_provider_payments.aep.resources.kind import Kind

__all__ = ["LEVELS", "ORDER"]

LEVELS: tuple[tuple[Kind, ...], ...] = (
    (BASE_CONNECTION,),
    (FIELD_GROUP,),
    (SCHEMA,),
    (IDENTITY,),
    (SchemaProfile.kind,),
    (SOURCE_CONNECTION, DATASET),
    (TARGET_CONNECTION, MAPPING_SET),
    (DATAFLOW,),
)
#: Names of the kinds in the order in which they are created.
ORDER = [kind.name for level in LEVELS for kind in level]
