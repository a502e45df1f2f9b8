"""
Differences between existing and desired connections, datasets and schemas.

Each existing object is created by a plain request, in one of the forms in which the services return objects, and found
by its name; the test lists the fields that count as different.
"""

from __future__ import annotations

import pytest

from airflow_provider_payments.aep.resources.kind import RemoteObject
from tests.aep.chain import COLUMNS, FIELDS, KINDS, LAKE_SPEC, PROFILE, TABLE, Chain
from tests.aep.manual_objects import Body, Change, check, different, made_by_hand, put

PERSON = "https://ns.adobe.com/xdm/context/profile-person-details"
EVENT = "https://ns.adobe.com/xdm/context/experienceevent"

# ---- connections ---------------------------------------------------------------------------------------------------

BASE_CONNECTIONS: dict[str, tuple[Change, list[str]]] = {
    "host as an address": (put(auth__params__host="https://API.sandbox.paypal.com/"), []),
    "another account": (put(auth__params__clientId="another client"), []),
    "another description": (put(description="by hand"), []),
    "another host": (put(auth__params__host="api.paypal.com"), ["auth.params.host"]),
}


@pytest.mark.parametrize(("change", "fields"), BASE_CONNECTIONS.values(), ids=BASE_CONNECTIONS)
def test_base_connections_are_compared_by_meaning(change: Change, fields: list[str], chain: Chain) -> None:
    check(chain, "base connection", change, fields)


def test_a_base_connection_of_another_source_is_different(chain: Chain) -> None:
    chain.post(
        KINDS["base connection"].path, {"name": "own paypal", "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"}}
    )
    assert different(chain, chain.base_connection()) == ["connectionSpec.id"]


def test_a_vendors_base_connection_differs_from_a_dataset_base_connection(chain: Chain) -> None:
    chain.ensure(chain.base_connection(name="own lake"))
    assert different(chain, chain.dataset_base_connection()) == ["connectionSpec.id"]


def other_connection(chain: Chain, body: Body) -> None:
    body["baseConnectionId"] = chain.ensure(chain.base_connection()).existing.id


BY_PATH = {"params": {"path": TABLE}}
WITH_META = [
    {"name": n, "type": "string", "meta": {"originalType": "String"}, "meta:xdmType": "string"} for n in COLUMNS
]
MOMENTS: list[Body] = [
    *({"name": name, "type": "string", "xdm": {"type": "string"}} for name in COLUMNS[:4]),
    {
        "name": "Create_Time",
        "type": "string",
        "meta:xdmType": "date-time",
        "xdm": {"type": "string", "format": "date-time"},
    },
]
DELIMITER = {"columnDelimiter": "|"}
SOURCES: dict[str, tuple[Change, list[str], Body]] = {
    "columns in another order": (lambda _, b: b["params"]["columns"].reverse(), [], {}),
    "columns with more keys": (put(params__columns=WITH_META), [], {}),
    "any columns where none are given": (lambda _, b: b["params"]["columns"].pop(), [], {"columns": None}),
    "table under the name of a path": (put(**BY_PATH), [], {"columns": None}),
    "table instead of a path": (lambda _, b: b["params"].pop("columns"), [], {"path": TABLE, "data_format": "tabular"}),
    "null for absent members": (put(data={"format": "tabular", "schema": None, "properties": None}), [], {}),
    "another description": (put(description="by hand"), [], {}),
    "another version of the spec": (lambda _, b: b["connectionSpec"].pop("version"), [], {}),
    "a column fewer": (lambda _, b: b["params"]["columns"].pop(), ["params.columns"], {}),
    "another table": (
        put(params={"tableName": "PayPal.Billing_Plans"}),
        ["params.tableName"],
        {"columns": None},
    ),
    "another format": (
        put(params={"path": TABLE}, data__format="parquet_xdm"),
        ["data.format"],
        {"path": TABLE, "data_format": "tabular"},
    ),
    "another base connection": (other_connection, ["baseConnectionId"], {}),
    "types that are not given": (put(params__columns=MOMENTS), [], {}),
    "types as written": (put(params__columns=MOMENTS), [], {"columns": tuple(MOMENTS)}),
    "types in the other place": (
        put(params__columns=[{"name": "Create_Time", "type": "string", "meta:xdmType": "date-time"}]),
        [],
        {"columns": ({"name": "Create_Time", "type": "string", "xdm": {"type": "string", "format": "date-time"}},)},
    ),
    "a type with another name in the other place": (
        put(params__columns=[{"name": "Type", "type": "string", "xdm": {"type": "integer"}}]),
        [],
        {"columns": ({"name": "Type", "meta:xdmType": "long"},)},
    ),
    "XDM's own name of a type": (
        put(params__columns=[{"name": "Type", "type": "string", "meta:xdmType": "double"}]),
        [],
        {"columns": ({"name": "Type", "xdm": {"type": "number"}},)},
    ),
    "another of XDM's own types": (
        put(params__columns=[{"name": "Type", "type": "string", "meta:xdmType": "int"}]),
        ["params.columns.Type (meta:xdmType)"],
        {"columns": ({"name": "Type", "meta:xdmType": "long"},)},
    ),
    "another type in XDM": (
        put(),
        ["params.columns.Create_Time (meta:xdmType)", "params.columns.Create_Time (xdm)"],
        {"columns": (*COLUMNS[:4], MOMENTS[4])},
    ),
    "another type at the source": (
        put(),
        ["params.columns.Type (type)"],
        {"columns": (*COLUMNS[:3], {"name": "Type", "type": "integer"}, COLUMNS[4])},
    ),
    "a column with a type that is missing": (
        lambda _, b: b["params"]["columns"].pop(),
        ["params.columns"],
        {"columns": tuple(MOMENTS)},
    ),
    "a type that is not given next to one that is": (
        put(params__columns=MOMENTS),
        [],
        {"columns": (*COLUMNS[:4], {"name": "Create_Time", "meta:xdmType": "date-time"})},
    ),
    "a setting that is not given": (put(data__properties=DELIMITER), [], {}),
    "a setting as written": (put(data__properties=DELIMITER), [], {"extra": {"data": {"properties": DELIMITER}}}),
    "no setting": (put(), ["params.compression"], {"extra": {"params": {"compression": "gzip"}}}),
    "another setting": (
        put(data__properties=DELIMITER),
        ["data.properties"],
        {"extra": {"data": {"properties": {"columnDelimiter": ";"}}}},
    ),
}


@pytest.mark.parametrize(("change", "fields", "arguments"), SOURCES.values(), ids=SOURCES)
def test_source_connections_are_compared_by_meaning(
    change: Change, fields: list[str], arguments: Body, chain: Chain
) -> None:
    check(chain, "source connection", change, fields, **arguments)


def test_a_source_connections_ad_hoc_schema_is_compared_if_given(chain: Chain) -> None:
    made_by_hand(chain, "source connection", put(data__schema={"id": chain.schema_id, "version": NO_TEXT}))
    other = chain.ensure(chain.schema(name="other")).existing.id
    assert different(chain, chain.source()) == []
    assert different(chain, chain.source(schema_id=chain.schema_id)) == []
    assert different(chain, chain.source(schema_id=other)) == ["data.schema.id"]


def version(content_type: str) -> Change:
    return put(data__schema__version=content_type)


def other_dataset(chain: Chain, body: Body) -> None:
    body["params"]["dataSetId"] = chain.ensure(chain.dataset(name="other")).existing.id


def other_schema(chain: Chain, body: Body) -> None:
    holder = body.get("schemaRef") or body["data"]["schema"]
    holder["id"] = chain.ensure(chain.schema(name="other")).existing.id


TARGETS: dict[str, tuple[Change, list[str], Body]] = {
    "version=1": (version("application/vnd.adobe.xed-full+json;version=1"), [], {}),
    "version=1.3": (version("application/vnd.adobe.xed-full+json;version=1.3"), [], {}),
    "with a blank": (version("application/vnd.adobe.xed-full-notext+json; version=1"), [], {}),
    "short form": (version("application/vnd.adobe.xed+json;version=1"), [], {}),
    "upper case": (version("application/vnd.adobe.XED-full+json; Version=1"), [], {}),
    "1.0": (version("1.0"), [], {}),
    "no version": (lambda _, b: b["data"]["schema"].pop("version"), [], {}),
    "a format that is not given": (put(data__format="parquet_xdm"), [], {}),
    "with a dataset base connection": (
        lambda c, b: b.update(baseConnectionId=c.ensure(c.dataset_base_connection()).existing.id),
        [],
        {},
    ),
    "another dataset base connection": (
        lambda c, b: b.update(baseConnectionId=c.ensure(c.dataset_base_connection()).existing.id),
        ["baseConnectionId"],
        {"base_connection_id": "another"},
    ),
    "a dataset base connection that the service does not return": (put(), [], {"base_connection_id": "lake"}),
    "no format although one is given": (put(), ["data.format"], {"data_format": "parquet_xdm"}),
    "another dataset": (other_dataset, ["params.dataSetId"], {}),
    "another schema": (other_schema, ["data.schema.id"], {}),
}


@pytest.mark.parametrize(("change", "fields", "arguments"), TARGETS.values(), ids=TARGETS)
def test_target_connections_are_compared_by_meaning(
    change: Change, fields: list[str], arguments: Body, chain: Chain
) -> None:
    check(chain, "target connection", change, fields, **arguments)


def test_a_second_major_version_of_the_schema_is_different(chain: Chain) -> None:
    resource = chain.target()
    item = resource.payload() | {"data": {"schema": {"id": chain.schema_id, "version": "2.0"}}}
    assert [d.field for d in resource.differences(chain.client, RemoteObject("t", item=item))] == [
        "data.schema.version"
    ]


# ---- catalogue and registry ----------------------------------------------------------------------------------------

NO_TEXT = "application/vnd.adobe.xed-full-notext+json; version=1"
TAGS = {"tags": {"unifiedProfile": ["enabled: true"]}}
DATASETS: dict[str, tuple[Change, list[str], Body]] = {
    "content type in full": (
        put(schemaRef__contentType="application/vnd.adobe.xed-full-notext+json; version=1"),
        [],
        {},
    ),
    "more tags": (put(tags={"own": ["x"], "unifiedProfile": ["enabled: true", "isUpsert: true"]}), [], TAGS),
    "tag without a blank": (put(tags={"unifiedProfile": ["enabled:true"]}), [], TAGS),
    "another description": (put(description="by hand"), ["description"], {"description": "ours"}),
    "tag missing": (put(), ["tags"], TAGS),
    "another value of a tag": (put(tags={"unifiedProfile": ["enabled: false"]}), ["tags"], TAGS),
    "another schema": (other_schema, ["schemaRef.id"], {}),
}


@pytest.mark.parametrize(("change", "fields", "arguments"), DATASETS.values(), ids=DATASETS)
def test_datasets_are_compared_by_meaning(change: Change, fields: list[str], arguments: Body, chain: Chain) -> None:
    check(chain, "dataset", change, fields, **arguments)


def test_a_later_minor_version_of_the_schema_is_no_difference(chain: Chain) -> None:
    resource = chain.dataset()
    chain.ensure(resource)
    chain.ensure(chain.field_group(name="chain fields", fields=FIELDS | {"late": "string"}), if_exists="update")
    chain.ensure(chain.schema(name="chain schema", field_groups=(chain.group_id, PERSON)), if_exists="update")
    (existing,) = resource.look_up(chain.client)
    assert existing.item["schemaRef"]["contentType"].endswith("version=1.1")
    assert different(chain, resource) == []


SCHEMAS: dict[str, tuple[Change, list[str]]] = {
    "more field groups": (lambda _, b: b["allOf"].append({"$ref": PERSON}), []),
    "another order": (lambda _, b: b["allOf"].reverse(), []),
    "a reference twice": (lambda _, b: b["allOf"].append(b["allOf"][1]), []),
    "another description": (put(description="by hand"), []),
    "field group missing": (lambda _, b: b["allOf"].pop(), ["allOf"]),
    "another class": (put(allOf=[{"$ref": EVENT}]), ["allOf"]),
}


@pytest.mark.parametrize(("change", "fields"), SCHEMAS.values(), ids=SCHEMAS)
def test_schemas_are_compared_by_meaning(change: Change, fields: list[str], chain: Chain) -> None:
    check(chain, "schema", change, fields)


def product(body: Body) -> Body:
    """Return the properties below ``product`` in a field group's body."""
    found: Body = body["definitions"]["customFields"]["properties"]["_emulator"]["properties"]["product"]["properties"]
    return found


FIELD_GROUPS: dict[str, tuple[Change, list[str]]] = {
    "more fields": (lambda _, b: product(b).update(price={"type": "number"}), []),
    "titles of fields": (lambda _, b: product(b)["name"].update(title="Product name"), []),
    "more classes": (put(**{"meta:intendedToExtend": [PROFILE, EVENT]}), []),
    "own name of the definition": (
        lambda _, b: b.update(definitions={"x": b["definitions"]["customFields"]}, allOf=[{"$ref": "#/definitions/x"}]),
        [],
    ),
    "another description": (put(description="by hand"), []),
    "a field missing": (lambda _, b: product(b).pop("name"), ["fields.product.name"]),
    "another type": (lambda _, b: product(b)["name"].update(type="integer"), ["fields.product.name (type)"]),
    "another format": (
        lambda _, b: product(b)["createTime"].update(format="date"),
        ["fields.product.createTime (type)"],
    ),
    "another class": (put(**{"meta:intendedToExtend": [EVENT]}), ["class"]),
}


@pytest.mark.parametrize(("change", "fields"), FIELD_GROUPS.values(), ids=FIELD_GROUPS)
def test_field_groups_are_compared_by_meaning(change: Change, fields: list[str], chain: Chain) -> None:
    check(chain, "field group", change, fields)


def test_bounds_that_the_registry_adds_to_an_integer_are_no_difference(chain: Chain) -> None:
    resource = chain.field_group(
        fields={"count": "integer", "site": "uri", "deep.down": {"type": "integer", "minimum": 3}}
    )
    chain.ensure(resource)
    assert different(chain, resource) == []


AD_HOC: dict[str, tuple[Change, list[str]]] = {
    "namespace renamed by the service": (put(), []),
    "more columns": (lambda _, b: columns_of(b).update(Type={"type": "string"}), []),
    "a column missing": (lambda _, b: columns_of(b).pop("Product_Id"), ["fields.Product_Id"]),
    "another type": (lambda _, b: columns_of(b)["Product_Id"].update(type="integer"), ["fields.Product_Id (type)"]),
}


def columns_of(body: Body) -> Body:
    found: Body = body["allOf"][1]["properties"]["_adhoc"]["properties"]
    return found


@pytest.mark.parametrize(("change", "fields"), AD_HOC.values(), ids=AD_HOC)
def test_ad_hoc_classes_are_compared_by_meaning(change: Change, fields: list[str], chain: Chain) -> None:
    check(chain, "ad-hoc class", change, fields)
