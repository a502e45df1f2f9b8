"""A client of the emulator's services for tests: plain HTTP, and the bodies of the requests."""

from __future__ import annotations

import copy
from typing import Any

import requests

FLOW = "/data/foundation/flowservice"
REGISTRY = "/data/foundation/schemaregistry"
CATALOG = "/data/foundation/catalog"
DATA_PREP = "/data/foundation/conversion"

PROFILE = "https://ns.adobe.com/xdm/context/profile"
PAYPAL = "24151d58-ffa7-4960-951d-58ffa7396097"
PAYPAL_SPEC = "221c7626-58f6-4eec-8ee2-042b0226f03b"
STRIPE_SPEC = "cc2c31d6-7b8c-4581-b49f-5c8698aa3ab3"
SQUARE_SPEC = "2acf109f-9b66-4d5e-bc18-ebb2adcff8d5"
LAKE_SPEC = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
CRM_FLOW_SPEC = "14518937-270c-4525-bdec-c2ba7cce3860"
REST_FLOW_SPEC = "6499120c-0b15-42dc-936e-847ea3c24d72"
XED = "application/vnd.adobe.xed+json"
XED_FULL = "application/vnd.adobe.xed-full+json; version=1"
GOOD_PRODUCTS, BAD_PRODUCTS = 1195, 5


class Client:
    """A client that sends authorised requests to one sandbox, and creates the objects of a chain."""

    def __init__(self, url: str, sandbox: str = "dev") -> None:
        self.url = url
        self.session = requests.Session()
        # Reading proxies and passwords from the environment would take a fifth of each request's time.
        self.session.trust_env = False
        self.session.headers.update(
            {"x-api-key": "emulator-client", "x-gw-ims-org-id": "EMULATOR@AdobeOrg", "x-sandbox-name": sandbox}
        )
        self.sign_in()

    def sign_in(self) -> None:
        token = self.session.post(f"{self.url}/ims/token/v3", data=CREDENTIALS).json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=10, **options)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.ask("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def make(self, path: str, body: Any) -> Any:
        answer = self.ask("POST", path, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def item(self, kind: str, identifier: str) -> Any:
        items = self.get(f"{FLOW}/{kind}/{identifier}")["items"]
        assert len(items) == 1
        return items[0]

    def control(self, method: str, path: str, **options: Any) -> Any:
        answer = self.ask(method, f"/__emulator__/{path}", **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def advance(self, seconds: float) -> float:
        return float(self.control("POST", "clock", json={"advance": seconds})["now"])

    def now(self) -> int:
        return int(self.control("GET", "clock")["now"])

    def refused(self, method: str, path: str, status: int, **options: Any) -> Any:
        """Send a request that must be answered with a status; return the answer's body."""
        answer = self.ask(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def flow_problem(self, method: str, path: str, code: str, **options: Any) -> str:
        """Send a request that Flow Service must refuse with a code; check the body and return the message."""
        answer = self.ask(method, path, **options)
        body = answer.json()
        assert body["type"] == f"https://ns.adobe.com/aep/errors/FLOW-{code}", body
        assert answer.status_code == body["status"] == int(code[-3:])
        assert body["report"]["request-id"] == answer.headers["x-request-id"]
        assert body["errorMessage"] == body["errorDetails"] == body["report"]["detailed-message"]
        return str(body["errorMessage"])

    # ---- the objects of a chain ----

    def schema(self, title: str = "products", **fields: Any) -> str:
        own = fields or {
            "name": {"type": "string"},
            "description": {"type": "string"},
            "type": {"type": "string"},
            "createTime": {"type": "string", "format": "date-time"},
        }
        group = self.make(f"{REGISTRY}/tenant/fieldgroups", field_group(f"{title} fields", own))
        body = {
            "type": "object",
            "title": title,
            "description": "d",
            "allOf": [{"$ref": PROFILE}, {"$ref": group["$id"]}],
        }
        return str(self.make(f"{REGISTRY}/tenant/schemas", body)["$id"])

    def dataset(self, schema: str, name: str = "products") -> str:
        body = {"name": name, "schemaRef": {"id": schema, "contentType": f"{XED};version=1"}}
        return str(self.make(f"{CATALOG}/dataSets?requestDataSource=true", body)[0]).rpartition("/")[2]

    def source(self, **changes: Any) -> str:
        return str(self.make(f"{FLOW}/sourceConnections", source_body(**changes))["id"])

    def target(self, schema: str, dataset: str) -> str:
        return str(self.make(f"{FLOW}/targetConnections", target_body(schema, dataset))["id"])

    def mapping(self, schema: str, *pairs: tuple[str, str]) -> str:
        return str(self.make(f"{DATA_PREP}/mappingSets", mapping_body(schema, *pairs))["id"])

    def prepared(self, **source: Any) -> dict[str, Any]:
        """Create the objects of a chain except the dataflow; return the body with which to create the dataflow."""
        schema = self.schema()
        dataset = self.dataset(schema)
        return self.flow_body_of(self.source(**source), schema, dataset)

    def flow_body_of(self, source: str, schema: str, dataset: str, *pairs: tuple[str, str]) -> dict[str, Any]:
        """Create a target connection and a mapping set; return the body of a dataflow over all parts."""
        target, mapping = self.target(schema, dataset), self.mapping(schema, *pairs)
        return flow_body(source, target, mapping, self.now() + 60, dataset)

    def flow(self, body: dict[str, Any]) -> Any:
        return self.make(f"{FLOW}/flows", sent(body))

    def runs(self, flow: str) -> list[Any]:
        return list(self.get(f"{FLOW}/runs", property=f"flowId=={flow}")["items"])


CREDENTIALS = {
    "grant_type": "client_credentials",
    "client_id": "emulator-client",
    "client_secret": "emulator-secret",
    "scope": "openid,AdobeID",
}
PRODUCT_PAIRS = (
    ("Product_Id", "_id"),
    ("Product_Name", "_emulator.product.name"),
    ("Description", "_emulator.product.description"),
    ("Type", "_emulator.product.type"),
    ("Create_Time", "_emulator.product.createTime"),
)


def field_group(title: str, fields: dict[str, Any]) -> dict[str, Any]:
    tree = {"_emulator": {"type": "object", "properties": {"product": {"type": "object", "properties": fields}}}}
    return {
        "title": title,
        "description": "d",
        "type": "object",
        "meta:intendedToExtend": [PROFILE],
        "definitions": {"own": {"type": "object", "properties": tree}},
        "allOf": [{"$ref": "#/definitions/own"}],
    }


def source_body(**changes: Any) -> dict[str, Any]:
    body = {
        "name": "source",
        "baseConnectionId": PAYPAL,
        "data": {"format": "tabular"},
        "params": {"tableName": "PayPal.Catalog_Products"},
        "connectionSpec": {"id": PAYPAL_SPEC, "version": "1.0"},
    }
    return {**body, **changes}


def target_body(schema: str, dataset: str) -> dict[str, Any]:
    return {
        "name": "target",
        "data": {"schema": {"id": schema, "version": "application/vnd.adobe.xed-full+json;version=1"}},
        "params": {"dataSetId": dataset},
        "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"},
    }


def mapping_body(schema: str, *pairs: tuple[str, str]) -> dict[str, Any]:
    content_type = "application/vnd.adobe.xed-full+json;version=1"
    return {
        "name": "mapping",
        "outputSchema": {"schemaRef": {"id": schema, "contentType": content_type}},
        "mappings": [
            {"sourceType": "ATTRIBUTE", "source": source, "destination": destination}
            for source, destination in pairs or PRODUCT_PAIRS
        ],
    }


def flow_body(source: str, target: str, mapping: str, start: int, dataset: str = "") -> dict[str, Any]:
    return {
        "name": "flow",
        "flowSpec": {"id": CRM_FLOW_SPEC, "version": "1.0"},
        "sourceConnectionIds": [source],
        "targetConnectionIds": [target],
        "transformations": [
            {"name": "Copy", "params": {"deltaColumn": {"name": "Create_Time"}}},
            {"name": "Mapping", "params": {"mappingId": mapping, "mappingVersion": "0"}},
        ],
        "scheduleParams": {"startTime": start, "frequency": "minute", "interval": 30},
        "options": {"errorDiagnosticsEnabled": True, "partialIngestionPercent": 5},
        "_dataset": dataset,
    }


def sent(body: dict[str, Any]) -> dict[str, Any]:
    """A body without the members that only tests use."""
    return {key: value for key, value in body.items() if not key.startswith("_")}


def edited(body: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy of a body in which members are replaced, or removed if the new value is ``...``.

    :param changes: the new values by dotted path.
    """
    result = copy.deepcopy(sent(body))
    for path, value in changes.items():
        node: Any = result
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in steps:
            node = node[step]
        if value is ...:
            del node[last]
        else:
            node[last] = value
    return result
