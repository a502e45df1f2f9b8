"""
The requests in Adobe's interface descriptions, guides and collections succeed, and have the documented answers.

The expected members of an answer are those in the same documents. Names in braces stand for ids of existing objects.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.client import (
    CATALOG,
    CRM_FLOW_SPEC,
    DATA_PREP,
    FLOW,
    LAKE_SPEC,
    PAYPAL,
    PAYPAL_SPEC,
    PRODUCT_PAIRS,
    PROFILE,
    REGISTRY,
    STRIPE_SPEC,
    XED,
    Client,
    field_group,
)

PERSON = "https://ns.adobe.com/xdm/context/profile-person-details"
RECORD = "https://ns.adobe.com/xdm/data/record"
LIST, LOOKUP = {"Accept": XED}, {"Accept": f"{XED}; version=1"}
DESCRIPTOR = {"Accept": "application/vnd.adobe.xdm+json"}
MATCH = {"If-Match": "*"}
STRIPE = {"specName": "OAuth2 Refresh Code", "params": {"accessToken": "x"}}
MAPPED = [
    {"sourceType": "ATTRIBUTE", "source": "id", "destination": "_id", "name": "id", "description": "Identifier"},
    {"sourceType": "ATTRIBUTE", "source": "firstName", "destination": "person.name.firstName"},
]
OUTPUT = {"schemaRef": {"id": "{schema}", "contentType": "application/vnd.adobe.xed-full+json;version=1"}}
MAPPING_SET = {"outputSchema": OUTPUT, "mappings": MAPPED}
SET = f"{DATA_PREP}/mappingSets/{{mapping}}"
AUDIT = "createdAt updatedAt createdBy updatedBy createdClient updatedClient sandboxId sandboxName imsOrgId"
SHOWN = f"id {AUDIT} name state version etag"
RESOURCE = "$id meta:altId meta:resourceType version title type meta:extends meta:containerId meta:registryMetadata"
DATASET = (
    "name description imsOrg version created updated createdClient createdUser updatedUser tags viewId basePath files "
    "observableSchema enableErrorDiagnostics fileDescription schemaRef"
)
BATCH = (
    "id externalId imsOrg status version created updated started completed relatedObjects metrics errors tags "
    "createdClient createdUser updatedUser inputFormat"
)
RECEIPT = "id version createdDate modifiedDate createdBy modifiedBy"
LINE = "id version sourceType source destination sourceAttribute destinationXdmPath identity primaryIdentity createdBy"


@dataclass(frozen=True)
class Case:
    """A request and the members of its answer.

    :param members: the names of the required members, separated by blanks.
    :param at: the path from the body to the object with the members: each step is a name, an index, or ``*`` for any
        member.
    """

    method: str
    path: str
    members: str = ""
    at: tuple[Any, ...] = ()
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    status: int = 200

    def __str__(self) -> str:
        return f"{self.method} {self.path.removeprefix('/data/foundation/')}"


def flow_service() -> list[Case]:
    kinds = {
        "connections": ("{base}", f"{SHOWN} connectionSpec auth"),
        "sourceConnections": ("{source}", f"{SHOWN} connectionSpec baseConnectionId data params"),
        "targetConnections": ("{target}", f"{SHOWN} connectionSpec data params"),
        "flows": (
            "{flow}",
            f"{SHOWN} flowSpec sourceConnectionIds targetConnectionIds transformations scheduleParams runs",
        ),
    }
    rename = [{"op": "replace", "path": "/name", "value": "renamed"}]
    cases = []
    for kind, (identifier, members) in kinds.items():
        path = f"{FLOW}/{kind}"
        etag = {"If-Match": f"{{{kind}.etag}}"}
        cases += [
            Case("GET", path, members, ("items", 0)),
            Case("GET", f"{path}/{identifier}", members, ("items", 0)),
            Case("PATCH", f"{path}/{identifier}", "id etag", body=rename, headers=etag),
            Case("DELETE", f"{path}/{identifier}", status=204),
        ]
    run = "id flowId flowSpec providerRefId metrics activities"
    specs = "id name providerId version"
    return [
        *cases,
        Case("GET", f"{FLOW}/connections/{PAYPAL}/test", "result"),
        Case("GET", f"{FLOW}/connections/{PAYPAL}/explore", "type name path", (0,), params={"objectType": "root"}),
        Case(
            "GET",
            f"{FLOW}/connections/{PAYPAL}/explore",
            "format schema",
            params={"objectType": "table", "object": "PayPal.Catalog_Products"},
        ),
        Case("POST", f"{FLOW}/connections/search", SHOWN, ("items", 0), {}),
        Case("POST", f"{FLOW}/flows/search", SHOWN, ("items", 0), {}),
        Case("POST", f"{FLOW}/flows/{{flow}}/action", "id etag", params={"op": "disable"}),
        Case("GET", f"{FLOW}/runs", run, ("items", 0), params={"property": "flowId=={flow}"}),
        Case("GET", f"{FLOW}/runs/{{run}}", run, ("items", 0)),
        Case("GET", f"{FLOW}/connectionSpecs", specs, ("items", 0), params={"property": 'name=="paypal"'}),
        Case("GET", f"{FLOW}/connectionSpecs/{PAYPAL_SPEC}", specs, ("items", 0)),
        Case("GET", f"{FLOW}/flowSpecs", specs, ("items", 0), params={"property": 'name=="CRMToAEP"'}),
        Case("GET", f"{FLOW}/flowSpecs/{CRM_FLOW_SPEC}", f"{specs} sourceConnectionSpecIds", ("items", 0)),
        Case("POST", f"{FLOW}/flowSpecs/search", specs, ("items", 0), {}),
        Case(
            "POST",
            f"{FLOW}/connections",
            "id etag",
            body={"name": "Stripe", "auth": STRIPE, "connectionSpec": {"id": STRIPE_SPEC, "version": "1.0"}},
            status=201,
        ),
        Case(
            "POST",
            f"{FLOW}/sourceConnections",
            "id etag",
            body={
                "name": "PayPal source connection",
                "baseConnectionId": PAYPAL,
                "description": "PayPal source connection",
                "data": {"format": "tabular"},
                "params": {
                    "path": "PayPal.Catalog_Products",
                    "tableName": "PayPal.Catalog_Products",
                    "columns": [{"name": "Product_Id", "type": "string", "xdm": {"type": "string"}}],
                },
                "connectionSpec": {"id": PAYPAL_SPEC, "version": "1.0"},
            },
            status=201,
        ),
        Case(
            "POST",
            f"{FLOW}/targetConnections",
            "id etag",
            body={
                "name": "Target connection",
                "data": {
                    "schema": {"id": "{schema}", "version": "application/vnd.adobe.xed-full+json;version=1.0"},
                },
                "params": {"dataSetId": "{dataset}"},
                "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"},
            },
            status=201,
        ),
    ]


def schema_registry() -> list[Case]:
    tenant = f"{REGISTRY}/tenant"
    schema = {"type": "object", "title": "Property Information", "description": "d", "allOf": [{"$ref": PROFILE}]}
    of_class = {**schema, "title": "Property", "allOf": [{"$ref": RECORD}]}
    kind = {**schema, "title": "Place", "allOf": [], "properties": {"city": {"type": "string"}}}
    bodies = {
        "schemas": schema,
        "classes": of_class,
        "datatypes": kind,
        "fieldgroups": field_group("Loyalty", {"level": {"type": "string"}}),
        "mixins": field_group("Loyalty", {"level": {"type": "string"}}),
    }
    described = [{"op": "replace", "path": "/description", "value": "new"}]
    cases = []
    for name, body in bodies.items():
        own = f"{tenant}/{name}/{{{'fieldgroups' if name == 'mixins' else name}}}"
        known = {**body, "title": f"spare {'fieldgroups' if name == 'mixins' else name}"}
        cases += [
            Case("GET", f"{tenant}/{name}", RESOURCE, ("results", 0), headers=LIST),
            Case(
                "GET", f"{tenant}/{name}", "count next orderby", ("_page",), headers=LIST, params={"orderby": "title"}
            ),
            Case("POST", f"{tenant}/{name}", RESOURCE, body=body, status=201),
            Case("GET", own, RESOURCE, headers=LOOKUP),
            Case("PUT", own, RESOURCE, body=known, headers=MATCH),
            Case("PATCH", own, RESOURCE, body=described, headers=MATCH),
            Case("DELETE", own, status=204),
            Case("GET", f"{REGISTRY}/global/{name}", "results _page", headers=LIST),
        ]
    identity = {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": "{schema}",
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": "/_emulator/product/name",
        "xdm:namespace": "Email",
        "xdm:property": "xdm:code",
        "xdm:isPrimary": False,
    }
    descriptor = "@id @type xdm:sourceSchema xdm:sourceProperty imsOrg version created updated meta:containerId"
    log = "id updatedUser imsOrg updatedTime clientId sandBoxId updates"
    return [
        *cases,
        Case("GET", f"{REGISTRY}/stats", "imsOrg tenantId counts recentlyCreatedResources classUsage"),
        Case("GET", f"{REGISTRY}/global/behaviors", "$id title", ("results", 0), headers=LIST),
        Case("GET", f"{REGISTRY}/global/behaviors/{quote(RECORD, safe='')}", "$id title", headers=LOOKUP),
        Case("POST", f"{tenant}/descriptors", descriptor, body=identity, status=201),
        Case("GET", f"{tenant}/descriptors/{{descriptor}}", descriptor, headers=DESCRIPTOR),
        Case("GET", f"{tenant}/unions", "results _page", headers=LIST),
        Case("GET", f"{REGISTRY}/rpc/export/{{schema}}", "$id meta:altId meta:resourceType title allOf", (-1,)),
        Case("GET", f"{REGISTRY}/rpc/sampledata/{{schema}}", "_id _emulator person"),
        Case("GET", f"{REGISTRY}/rpc/auditlog/{{schema}}", log, (0,)),
        Case("GET", f"{REGISTRY}/rpc/auditlog/{{schema}}", "id xdmType action path value", (0, "updates", 0)),
    ]


def catalog() -> list[Case]:
    datasets, batches = f"{CATALOG}/dataSets", f"{CATALOG}/batches"
    reference = {"id": "{schema}", "contentType": f"{XED};version=1"}
    file = "id batchId dataSetViewId imsOrg createdUser createdClient updatedUser version created updated"
    some = {"limit": 5, "properties": "name,description,files"}
    return [
        Case("POST", datasets, at=(0,), body={"name": "Loyalty", "schemaRef": reference}, status=201),
        Case("GET", datasets, DATASET, ("*",)),
        Case("GET", datasets, "name description files", ("*",), params=some),
        Case("GET", f"{datasets}/{{dataset}}", DATASET, ("*",)),
        Case("GET", f"{datasets}/{{dataset}},{{spare}}", DATASET, ("{spare}",)),
        Case("PUT", f"{datasets}/{{dataset}}", at=(0,), body={"name": "new", "schemaRef": reference}),
        Case("PATCH", f"{datasets}/{{dataset}}", at=(0,), body={"description": "new"}),
        Case("PATCH", f"{CATALOG}/v2/dataSets/{{dataset}}", at=(0,), body={"tags": {"team": ["payments"]}}),
        Case("DELETE", f"{datasets}/{{spare}}", at=(0,)),
        Case("GET", f"{datasets}/{{dataset}}/views", "dataSetId version created", ("*",)),
        Case("GET", f"{datasets}/{{dataset}}/views/{{view}}/files", file, ("*",)),
        Case("GET", f"{CATALOG}/dataSetFiles", file, ("*",), params={"dataSetId": "{dataset}"}),
        Case("GET", batches, BATCH, ("*",), params={"dataSet": "{dataset}"}),
        Case("GET", f"{batches}/{{batch}}", BATCH, ("{batch}",)),
        Case("GET", f"{batches}/uniques/status", at=(0,)),
        Case("GET", f"{CATALOG}/lastBatches", "lastBatchId lastBatchStatus lastSuccessfulBatchId", ("{dataset}",)),
    ]


def data_prep() -> list[Case]:
    sets, languages = f"{DATA_PREP}/mappingSets", f"{DATA_PREP}/languages/el"
    whole = f"{RECEIPT} outputSchema mappings xdmSchema xdmVersion"
    row = {"id": 1234, "firstName": "Jim"}
    legacy = {
        "version": 0,
        "xdmSchema": "{schema}",
        "xdmVersion": "1.0",
        "mappings": [{"destinationXdmPath": "_id", "sourceAttribute": "id", "identity": False, "version": 0}],
    }
    suggestion = {"datasetId": "{dataset}", "batchId": "{batch}"}
    return [
        Case("POST", sets, RECEIPT, body=MAPPING_SET),
        Case("POST", sets, RECEIPT, body=legacy),
        Case("GET", sets, whole, ("data", 0), params={"limit": 2, "start": 0}),
        Case("GET", sets, "jsonSchema", ("data", 0, "outputSchema"), params={"limit": 1, "expandSchema": "true"}),
        Case("POST", f"{sets}/validate", "status errors", ("validationResponse", 0), MAPPING_SET),
        Case("POST", f"{sets}/preview", "_id person", ("data",), {"data": row, "mappingSet": MAPPING_SET}),
        Case("GET", f"{sets}/suggestion", "version mappings xdmSchema", params=suggestion),
        Case("GET", SET, whole, params={"version": 0}),
        Case("PUT", SET, whole, body=MAPPING_SET),
        Case("DELETE", SET, "id"),
        Case("GET", f"{SET}/mappings", LINE, (0,)),
        Case("POST", f"{SET}/mappings", LINE, body=MAPPED[1]),
        Case("GET", f"{SET}/mappings/{{line}}", LINE),
        Case("PUT", f"{SET}/mappings/{{line}}", LINE, body=MAPPED[0]),
        Case("DELETE", f"{SET}/mappings/{{line}}", "id"),
        Case("GET", f"{languages}/functions", "category function description syntax returns example", (0,)),
        Case("GET", f"{languages}/operators", "operatorSymbol methodName description", (0,)),
    ]


@pytest.fixture
def names(client: Client) -> dict[str, str]:
    """Create a dataflow that has run, and spare objects that no other object uses; return ids and etags by name."""
    group = client.make(
        f"{REGISTRY}/tenant/fieldgroups",
        field_group(
            "products fields", {name: {"type": "string"} for name in ("name", "description", "type", "createTime")}
        ),
    )
    references = [{"$ref": PROFILE}, {"$ref": PERSON}, {"$ref": group["$id"]}]
    schema = client.make(
        f"{REGISTRY}/tenant/schemas",
        {"type": "object", "title": "products", "description": "d", "allOf": references},
    )
    dataset = client.dataset(schema["$id"])
    body = client.flow_body_of(client.source(), schema["$id"], dataset, *PRODUCT_PAIRS)
    flow = client.flow(body)["id"]
    client.advance(70)
    mapping = body["transformations"][1]["params"]["mappingId"]
    auth = {"name": "spare", "auth": STRIPE, "connectionSpec": {"id": STRIPE_SPEC, "version": "1.0"}}
    spare = {
        kind: client.make(f"{REGISTRY}/tenant/{kind}", {**content, "title": f"spare {kind}"})["meta:altId"]
        for kind, content in {
            "schemas": {"type": "object", "description": "d", "allOf": [{"$ref": PROFILE}]},
            "classes": {"type": "object", "description": "d", "allOf": [{"$ref": RECORD}]},
            "datatypes": {"type": "object", "description": "d", "properties": {"city": {"type": "string"}}},
            "fieldgroups": field_group("", {"level": {"type": "string"}}),
        }.items()
    }
    identity = {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": schema["$id"],
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": "/_emulator/product/type",
        "xdm:namespace": "Email",
        "xdm:property": "xdm:code",
        "xdm:isPrimary": True,
    }
    names = {
        **spare,
        "schema": schema["$id"],
        "dataset": dataset,
        "spare": client.dataset(schema["$id"], "spare"),
        "view": client.get(f"{CATALOG}/dataSets/{dataset}")[dataset]["viewId"],
        "batch": next(iter(client.get(f"{CATALOG}/batches"))),
        "mapping": mapping,
        "line": client.get(f"{DATA_PREP}/mappingSets/{mapping}/mappings")[0]["id"],
        "descriptor": client.make(f"{REGISTRY}/tenant/descriptors", identity)["@id"],
        "base": client.make(f"{FLOW}/connections", auth)["id"],
        "source": client.source(name="spare"),
        "target": client.target(schema["$id"], dataset),
        "flow": flow,
        "run": client.runs(flow)[0]["id"],
    }
    kinds = {"connections": "base", "sourceConnections": "source", "targetConnections": "target", "flows": "flow"}
    return names | {f"{kind}.etag": client.item(kind, names[name])["etag"] for kind, name in kinds.items()}


def named(value: Any, names: dict[str, str]) -> Any:
    """Replace the names in braces in a part of a request."""
    match value:
        case str():
            return re.sub(r"\{([\w.]+)\}", lambda found: names.get(found[1], found[0]), value)
        case dict():
            return {key: named(each, names) for key, each in value.items()}
        case list() | tuple():
            return [named(each, names) for each in value]
        case _:
            return value


CASES = [*flow_service(), *schema_registry(), *catalog(), *data_prep()]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_documented_request_has_its_documented_answer(client: Client, names: dict[str, str], case: Case) -> None:
    path = named(case.path, {name: quote(value, safe="") for name, value in names.items()})
    body = {} if case.body is None else {"json": named(case.body, names)}
    options = {"headers": named(case.headers, names), "params": named(case.params, names)}
    answer = client.ask(case.method, path, **options, **body)
    assert answer.status_code == case.status, answer.text
    if case.status == 204:
        assert answer.content == b""
        return
    found = answer.json()
    for step in named(case.at, names):
        found = next(iter(found.values())) if step == "*" else found[step]
    expected = set(case.members.split())
    assert found
    assert expected <= (found.keys() if expected else set()), json.dumps(found)[:500]
