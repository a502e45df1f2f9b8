"""Adobe's tutorial on the Stripe source: the explored attributes, and the requests in their order."""

from __future__ import annotations

from typing import Any

from tests.emulator.client import CATALOG, DATA_PREP, FLOW, LAKE_SPEC, REST_FLOW_SPEC, STRIPE_SPEC, XED, Client
from tests.emulator.flow_service.test_explored_rows import field

CARD = "payment_method_details.card"
# The attributes of a charge in the tutorial, by type; None for attributes that are null in the tutorial's account.
SHOWN: dict[str | None, list[str]] = {
    "string": [
        *("calculated_statement_descriptor", "currency", "customer", "description", "id", "object", "payment_intent"),
        *("payment_method", "receipt_url", "statement_descriptor", "status"),
        *(f"outcome.{name}" for name in ("risk_level", "seller_message", "network_status", "type")),
        "payment_method_details.type",
        *(f"{CARD}.{name}" for name in ("brand", "checks.cvc_check", "country", "fingerprint", "funding", "last4")),
        *(f"{CARD}.{name}_authorization.status" for name in ("extended", "incremental")),
        *(f"{CARD}.{name}" for name in ("multicapture.status", "network", "overcapture.status")),
    ],
    "integer": [
        *("amount", "amount_captured", "amount_refunded", "created", "outcome.risk_score"),
        *(f"{CARD}.{name}" for name in ("amount_authorized", "capture_before", "exp_month", "exp_year")),
        f"{CARD}.overcapture.maximum_amount_capturable",
    ],
    "boolean": ["captured", "disputed", "livemode", "paid", f"{CARD}.network_token.used", "refunded"],
    "object": [
        *("billing_details", "billing_details.address", "fraud_details", "metadata", "outcome"),
        *("payment_method_details", CARD, "radar_options"),
        *(f"{CARD}.{name}" for name in ("checks", "extended_authorization", "incremental_authorization")),
        *(f"{CARD}.{name}" for name in ("multicapture", "network_token", "overcapture")),
    ],
    None: [
        *("application", "application_fee", "application_fee_amount", "balance_transaction", "destination", "dispute"),
        *("failure_balance_transaction", "failure_code", "failure_message", "invoice", "on_behalf_of", "order"),
        *("outcome.reason", "receipt_email", "receipt_number", "review", "shipping", "source", "source_transfer"),
        *("statement_descriptor_suffix", "transfer_data", "transfer_group"),
        *(f"billing_details.{name}" for name in ("email", "name", "phone")),
        *(f"billing_details.address.{name}" for name in ("city", "country", "line1", "line2", "postal_code", "state")),
        *(f"{CARD}.checks.address_{name}_check" for name in ("line1", "postal_code")),
        *(f"{CARD}.{name}" for name in ("installments", "mandate", "three_d_secure", "wallet")),
    ],
}
# The attributes that the tutorial maps, in its order: the whole objects are between single fields of them.
MAPPED = (
    *("id", "refunded", "disputed", f"{CARD}.last4", "livemode", "status"),
    *(f"{CARD}.overcapture.maximum_amount_capturable", "receipt_url", f"{CARD}.fingerprint", "payment_intent"),
    *(f"{CARD}.overcapture.status", f"{CARD}.network_token.used", f"{CARD}.funding", "amount", "customer"),
    *(f"{CARD}.incremental_authorization.status", f"{CARD}.multicapture.status", "amount_captured"),
    *("payment_method", "object", "captured", "created", "paid", "amount_refunded", "currency", f"{CARD}.country"),
    *(f"{CARD}.exp_year", f"{CARD}.amount_authorized", f"{CARD}.network", "payment_method_details"),
    *(f"{CARD}.exp_month", "calculated_statement_descriptor", f"{CARD}.brand", "balance_transaction"),
    *(f"{CARD}.extended_authorization.status", "outcome"),
)
# Encoded with padding, as in the tutorial.
SOURCE_PARAMS = "eyJyZXNvdXJjZVBhdGgiOiJjaGFyZ2VzIn0%3D"


def base_connection(client: Client) -> str:
    auth = {"specName": "OAuth2 Refresh Code", "params": {"accessToken": "sk_test_1"}}
    body = {
        "name": "charges account",
        "description": "where charges come from",
        "connectionSpec": {"id": STRIPE_SPEC, "version": "1.0"},
        "auth": auth,
    }
    return str(client.make(f"{FLOW}/connections", body)["id"])


def explored(client: Client, base: str, preview: str) -> Any:
    query = f"objectType=rest&object=json&fileType=json&preview={preview}&sourceParams={SOURCE_PARAMS}"
    return client.get(f"{FLOW}/connections/{base}/explore?{query}")


def node_at(schema: Any, path: str) -> Any:
    node = schema["properties"]["data"]
    for step in path.split("."):
        node = node["properties"][step]
    return node


def at(row: Any, path: str) -> Any:
    for step in path.split("."):
        row = (row or {}).get(step)
    return row


def test_explore_shows_every_attribute_of_the_tutorial(client: Client) -> None:
    shown = explored(client, base_connection(client), "false")
    assert shown.keys() == {"format", "schema"}
    assert shown["format"] == "hierarchical"
    assert shown["schema"]["properties"].keys() == {"data"}
    assert node_at(shown["schema"], "amount") == {
        "type": "integer",
        "minimum": -9007199254740992,
        "maximum": 9007199254740991,
    }
    assert node_at(shown["schema"], "fraud_details") == {"type": "object", "properties": {}}
    assert node_at(shown["schema"], "shipping") == {}
    for kind, attributes in SHOWN.items():
        for path in attributes:
            node = node_at(shown["schema"], path)
            assert kind is None or (path, node["type"]) == (path, kind)


def test_the_requests_of_the_tutorial_ingest_every_charge(client: Client) -> None:
    base = base_connection(client)
    tree = explored(client, base, "true")["schema"]["properties"]["data"]
    source = client.make(
        f"{FLOW}/sourceConnections",
        {
            "name": "charges source",
            "description": "charges as they are",
            "baseConnectionId": base,
            "connectionSpec": {"id": STRIPE_SPEC, "version": "1.0"},
            "data": {"format": "json"},
            "params": {"resourcePath": "charges"},
        },
    )
    schema = client.schema("charges", charges_data=field(tree))
    reference = {"id": schema, "contentType": f"{XED};version=1"}
    (dataset,) = client.make(f"{CATALOG}/dataSets", {"name": "charges", "schemaRef": reference})
    target = client.make(
        f"{FLOW}/targetConnections",
        {
            "name": "charges target",
            "description": "where charges go",
            "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"},
            "data": {
                "format": "parquet_xdm",
                "schema": {"id": schema, "version": "application/vnd.adobe.xed-full+json;version=1.3"},
            },
            "params": {"dataSetId": dataset.rpartition("/")[2]},
        },
    )
    lines = [
        {
            "destinationXdmPath": f"_emulator.product.charges_data.{path}",
            "sourceAttribute": f"data.{path}",
            "identity": False,
            "version": 0,
        }
        for path in MAPPED
    ]
    mapping = client.make(
        f"{DATA_PREP}/mappingSets", {"version": 0, "xdmSchema": schema, "xdmVersion": "1.0", "mappings": lines}
    )
    assert mapping["version"] == 0
    flow = client.make(
        f"{FLOW}/flows",
        {
            "name": "charges flow",
            "description": "charges every quarter of an hour",
            "flowSpec": {"id": REST_FLOW_SPEC, "version": "1.0"},
            "sourceConnectionIds": [source["id"]],
            "targetConnectionIds": [target["id"]],
            "transformations": [{"name": "Mapping", "params": {"mappingId": mapping["id"], "mappingVersion": 0}}],
            "scheduleParams": {"startTime": str(client.now() + 60), "frequency": "minute", "interval": 15},
            # The tutorial sends no options. Without options, five charges with an invalid amount or time fail the run.
            "options": {"errorDiagnosticsEnabled": True, "partialIngestionPercent": 5},
        },
    )
    client.advance(62)
    (run,) = client.runs(flow["id"])
    counts = run["metrics"]["recordSummary"]
    assert (counts["inputRecordCount"], counts["failedRecordCount"]) == (1500, 5)
    rows = client.control("GET", f"datasets/{dataset.rpartition('/')[2]}/rows", params={"limit": 100})["rows"]
    landed = [row["_emulator"]["product"]["charges_data"] for row in rows]
    sources = [row["data"] for row in explored(client, base, "true")["data"]]
    leaves = [path for path in MAPPED if path not in ("outcome", "payment_method_details")]
    assert [[at(row, path) for path in leaves] for row in landed] == [
        [at(row, path) for path in leaves] for row in sources
    ]
    paid = next(row for row in landed if row["paid"])
    assert [path for path in MAPPED if at(paid, path) is None] == []
    assert paid["outcome"]["type"] == "authorized"
