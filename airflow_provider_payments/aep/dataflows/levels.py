"""
The kinds of a chain, in levels.

An object refers only to objects of earlier levels, so all objects of a level can be created at the same time.
"""

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

__all__ = ["CREATION_ORDER", "LEVELS"]

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
#: Names of the kinds in the order of their creation.
CREATION_ORDER = [kind.name for level in LEVELS for kind in level]
