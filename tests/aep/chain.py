"""
The steps up to a dataflow, as values that the emulator accepts.

Ids and content types are written out on purpose: requests are compared with the services' values, not with the
package's constants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.provisioning.ensure import ensure
from airflow_provider_payments.aep.provisioning.provisioned import Provisioned
from airflow_provider_payments.aep.resources.base import Resource
from airflow_provider_payments.aep.resources.catalog import Dataset
from airflow_provider_payments.aep.resources.data_prep import MappingSet
from airflow_provider_payments.aep.resources.dataflow import Dataflow, DeltaColumn
from airflow_provider_payments.aep.resources.flow_service import (
    BaseConnection,
    DatasetBaseConnection,
    SourceConnection,
    TargetConnection,
)
from airflow_provider_payments.aep.resources.flow_specs import FlowSpec, find_flow_spec
from airflow_provider_payments.aep.resources.schedule import Schedule
from airflow_provider_payments.aep.resources.schema_registry import AdHocClass, FieldGroup, Schema
from airflow_provider_payments.aep.resources.sources import SOURCES
from tests.conftest import PAYPAL

FLOW_SERVICE = "/data/foundation/flowservice"
REGISTRY = "/data/foundation/schemaregistry"
CATALOG = "/data/foundation/catalog"
DATA_PREP = "/data/foundation/conversion"

PAYPAL_SPEC = "221c7626-58f6-4eec-8ee2-042b0226f03b"
LAKE_SPEC = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
CRM_FLOW_SPEC = "14518937-270c-4525-bdec-c2ba7cce3860"
REST_FLOW_SPEC = "6499120c-0b15-42dc-936e-847ea3c24d72"
PROFILE = "https://ns.adobe.com/xdm/context/profile"

#: Flow Service's answer for an unknown object.
GONE = b'{"type": "https://ns.adobe.com/aep/errors/FLOW-1410-404", "title": "Resource not found", "detail": "None."}'
TABLE = "PayPal.Catalog_Products"
COLUMNS = ("Product_Id", "Product_Name", "Description", "Type", "Create_Time")
FIELDS = {"product.name": "string", "product.createTime": "date-time"}
MAPPINGS = {"_id": "Product_Id", "_emulator.product.name": "Product_Name"}
CREDENTIAL = {"host": "api.sandbox.paypal.com", "clientId": "merchant", "clientSecret": "vendor-secret"}


@dataclass
class Chain:
    """
    The objects up to a dataflow, each created at its first use, and builders of the values under test.

    Arguments of a builder replace the usual ones.
    """

    client: Client
    naps: list[float] = field(default_factory=list)

    def ensure(self, desired: Resource, **how: Any) -> Provisioned:
        return ensure(self.client, desired, **how)

    def post(self, path: str, body: Any, **params: str) -> Any:
        """Create an object by a plain request, as another writer does."""
        return self.client.request("POST", path, body=body, params=params).body

    # Ids of the objects that other steps refer to.

    @cached_property
    def group_id(self) -> str:
        return self.ensure(self.field_group(name="chain fields")).existing.id

    @cached_property
    def schema_id(self) -> str:
        return self.ensure(self.schema(name="chain schema")).existing.id

    @cached_property
    def dataset_id(self) -> str:
        return self.ensure(self.dataset(name="chain dataset")).existing.id

    @cached_property
    def source_id(self) -> str:
        return self.ensure(self.source(name="chain source")).existing.id

    @cached_property
    def target_id(self) -> str:
        return self.ensure(self.target(name="chain target")).existing.id

    @cached_property
    def mapping_set_id(self) -> str:
        return self.ensure(self.mapping_set(name="chain mapping")).existing.id

    @cached_property
    def flow_spec(self) -> FlowSpec:
        return find_flow_spec(self.client, "CRMToAEP", PAYPAL_SPEC)

    # The values.

    def base_connection(self, **given: Any) -> BaseConnection:
        usual: dict[str, Any] = {"name": "own paypal", "source": SOURCES["paypal"], "credential": CREDENTIAL}
        return BaseConnection(**usual | given)

    def dataset_base_connection(self, **given: Any) -> DatasetBaseConnection:
        return DatasetBaseConnection(**{"name": "own lake"} | given)

    def source(self, **given: Any) -> SourceConnection:
        usual = {"name": "own source", "base_connection_id": PAYPAL, "spec_id": PAYPAL_SPEC}
        place = {} if {"path", "resource_path"} & set(given) else {"table": TABLE, "columns": COLUMNS}
        return SourceConnection(**usual | place | given)

    def target(self, **given: Any) -> TargetConnection:
        usual = {"name": "own target", "dataset_id": self.dataset_id, "schema_id": self.schema_id}
        return TargetConnection(**usual | given)

    def field_group(self, **given: Any) -> FieldGroup:
        return FieldGroup(**{"name": "own fields", "fields": FIELDS} | given)

    def ad_hoc_class(self, **given: Any) -> AdHocClass:
        return AdHocClass(
            **{"name": "own class", "fields": {"Product_Id": "string", "Create_Time": "date-time"}} | given
        )

    def schema(self, **given: Any) -> Schema:
        return Schema(**{"name": "own schema", "field_groups": (self.group_id,)} | given)

    def dataset(self, **given: Any) -> Dataset:
        return Dataset(**{"name": "own dataset", "schema_id": self.schema_id} | given)

    def mapping_set(self, **given: Any) -> MappingSet:
        return MappingSet(**{"name": "own mapping", "schema_id": self.schema_id, "mappings": MAPPINGS} | given)

    def dataflow(self, **given: Any) -> Dataflow:
        """A dataflow; one of another name has its own source connection, because two dataflows must not share one."""
        schedule, name = given.get("schedule", Schedule(frequency="minute", interval=15)), given.get("name")
        own_source = self.ensure(self.source(name=f"{name} source")).existing.id if name else self.source_id
        usual = {
            "name": "own dataflow",
            "source_connection_id": own_source,
            "target_connection_id": self.target_id,
            "flow_spec": self.flow_spec,
            "mapping_set_id": self.mapping_set_id,
            "schedule": schedule,
            "delta_column": None if schedule.frequency == "once" else DeltaColumn("Create_Time"),
        }
        return Dataflow(**usual | given)


@dataclass(frozen=True)
class Kind:
    """
    One kind of resource, for tests that are parametrized by kind.

    :param path: the path of its collection.
    :param objects: the name of its list in the emulator's state.
    :param build: returns a value, from a chain and arguments; creates the objects that the value refers to.
    """

    path: str
    objects: str
    build: Callable[..., Resource]


KINDS = {
    "base connection": Kind(f"{FLOW_SERVICE}/connections", "connections", Chain.base_connection),
    "dataset base connection": Kind(f"{FLOW_SERVICE}/connections", "connections", Chain.dataset_base_connection),
    "source connection": Kind(f"{FLOW_SERVICE}/sourceConnections", "sourceConnections", Chain.source),
    "target connection": Kind(f"{FLOW_SERVICE}/targetConnections", "targetConnections", Chain.target),
    "field group": Kind(f"{REGISTRY}/tenant/fieldgroups", "fieldgroups", Chain.field_group),
    "ad-hoc class": Kind(f"{REGISTRY}/tenant/classes", "classes", Chain.ad_hoc_class),
    "schema": Kind(f"{REGISTRY}/tenant/schemas", "schemas", Chain.schema),
    "dataset": Kind(f"{CATALOG}/dataSets", "dataSets", Chain.dataset),
    "mapping set": Kind(f"{DATA_PREP}/mappingSets", "mappingSets", Chain.mapping_set),
    "dataflow": Kind(f"{FLOW_SERVICE}/flows", "flows", Chain.dataflow),
}

#: For each kind that can be updated, arguments that differ from the usual ones in updatable fields.
UPDATES: dict[str, dict[str, Any]] = {
    "field group": {"fields": FIELDS | {"product.price": "number"}},
    "schema": {"field_groups": ("https://ns.adobe.com/xdm/context/profile-person-details",)},
    "dataset": {"tags": {"team": ["payments"]}},
    "dataflow": {"schedule": Schedule(frequency="hour", interval=1)},
}

_TABLES = FlowSpec(CRM_FLOW_SPEC, "CRMToAEP", transformations=("Copy", "Mapping"))
#: Arguments with made-up ids, for values that are never sent.
USUAL: dict[type[Resource], dict[str, Any]] = {
    BaseConnection: {"source": SOURCES["paypal"], "credential": CREDENTIAL},
    DatasetBaseConnection: {},
    SourceConnection: {"base_connection_id": "b", "spec_id": PAYPAL_SPEC, "table": TABLE},
    TargetConnection: {"dataset_id": "d", "schema_id": "s"},
    FieldGroup: {"fields": {"product.name": "string"}},
    AdHocClass: {"fields": {"Product_Id": "string"}},
    Schema: {},
    Dataset: {"schema_id": "s"},
    MappingSet: {"schema_id": "s", "mappings": MAPPINGS},
    Dataflow: {
        "source_connection_id": "s",
        "target_connection_id": "t",
        "mapping_set_id": "m",
        "flow_spec": _TABLES,
        "schedule": Schedule(frequency="minute", interval=15),
        "delta_column": DeltaColumn("Create_Time"),
    },
}


def value(kind: type[Resource], **given: Any) -> Any:
    """A value of a kind; arguments replace the usual ones."""
    return kind(**{"name": "products"} | USUAL[kind] | given)
