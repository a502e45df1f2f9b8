"""A dataflow from a small table into a schema of the test, and the outcome of its first run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.emulator.client import CATALOG, DATA_PREP, Client, flow_body, mapping_body, sent

EXPORT = "/data/foundation/export"
AT = "_emulator.product"
PLANS, PLAN_ROWS = "PayPal.Billing_Plans", 150
Line = tuple[str, str, str]


@dataclass(frozen=True)
class Outcome:
    """The outcome of a dataflow's first run.

    :param rows: the ingested rows.
    :param codes: the error codes of failed records, each with the number of records.
    """

    run: Any
    batch: Any
    rows: list[Any]
    codes: Mapping[str, int]


def ingest(client: Client, schema: str, *lines: Line, table: str = PLANS, percent: float | None = 5) -> Outcome:
    """Run a dataflow once.

    :param lines: the mappings: each is a source type, a source and a destination.
    """
    dataset = client.dataset(schema, f"dataset of {schema}")
    mapping = mapping_body(schema)
    mapping["mappings"] = [
        {"sourceType": kind, "source": source, "destination": destination} for kind, source, destination in lines
    ]
    identifier = client.make(f"{DATA_PREP}/mappingSets", mapping)["id"]
    source = client.source(params={"tableName": table})
    body = flow_body(source, client.target(schema, dataset), identifier, client.now() + 60)
    body["transformations"] = body["transformations"][1:]
    body["scheduleParams"] = {"startTime": client.now() + 60, "frequency": "once"}
    body["options"] = {"errorDiagnosticsEnabled": True, **({"partialIngestionPercent": percent} if percent else {})}
    flow = client.flow(sent(body))["id"]
    client.advance(62)
    (run,) = client.runs(flow)
    landed = client.control("GET", f"datasets/{dataset}/rows", params={"limit": 5000})["rows"]
    (batch,) = client.get(f"{CATALOG}/batches", dataSet=dataset).values()
    codes = {error["code"]: error["recordCount"] for error in batch.get("errors", ()) if "recordCount" in error}
    return Outcome(run, batch, landed, codes)


def messages(outcome: Outcome) -> list[str]:
    """The messages about failed records, one for each code."""
    return [error["description"] for error in outcome.batch["errors"] if "recordCount" in error]


def row_errors(client: Client, outcome: Outcome) -> dict[str, list[Any]]:
    """The lines of the batch's row error files, by file."""
    path = f"{EXPORT}/batches/{outcome.batch['id']}/meta"
    files = client.get(f"{path}?path=row_errors")["data"]
    read = {file["name"]: client.ask("GET", path, params={"path": f"row_errors/{file['name']}"}) for file in files}
    return {name: [json.loads(line) for line in answer.text.splitlines()] for name, answer in read.items()}
