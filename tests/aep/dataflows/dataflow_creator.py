"""Dataflows in forms that other tools and tutorials use, created by plain requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.resources.sources import SOURCES

FLOW_SERVICE = "/data/foundation/flowservice"
REGISTRY = "/data/foundation/schemaregistry/tenant"
AD_HOC = "application/vnd.adobe.xed-full-notext+json; version=1"
BEHAVIOUR = "https://ns.adobe.com/xdm/data/adhoc"
FULL = "application/vnd.adobe.xed-full+json;version=1"
LAKE_SPEC = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
S3_SPEC = "ecadc60c-7455-4d87-84dc-2a0e293d997b"
FILE_FLOW_SPEC = "9753525b-82c7-4dce-8a9b-5ccfce2b9876"
PROFILE = "https://ns.adobe.com/xdm/context/profile"
FLOW_SPECS = {
    "CRMToAEP": "14518937-270c-4525-bdec-c2ba7cce3860",
    "RestStorageToAEP": "6499120c-0b15-42dc-936e-847ea3c24d72",
}
SETTLEMENTS = ("Settlement_Id", "Transaction_Id", "Net_Amount")
#: The source of each vendor's dataflow: parameters, mapped columns, and delta column.
READS: dict[str, tuple[dict[str, Any], tuple[str, ...], str | None]] = {
    "paypal": ({"tableName": "PayPal.Catalog_Products"}, ("Product_Id", "Product_Name", "Type"), "Create_Time"),
    "square": ({"tableName": "Square.Payments"}, ("Id", "Currency", "Status"), "Created_At"),
    "stripe": ({"resourcePath": "charges"}, ("data.id", "data.currency", "data.status"), None),
}


@dataclass
class DataflowSetup:
    """
    The properties of a dataflow to create.

    :param names: names of dataflow, source connection and target connection.
    :param kinds: source types of the three mappings.
    :param legacy: whether the mapping set has the legacy form.
    :param listed: whether the source connection lists its columns.
    :param older: the data format of connections in the form of Adobe's older documents, with a table's path, an ad-hoc
        schema and a dataset base connection; ``None`` for the newer form.
    """

    vendor: str = "paypal"
    names: tuple[str, str, str] = ("dataflow", "source", "target")
    description: str | None = None
    schedule: dict[str, Any] = field(default_factory=lambda: {"frequency": "day", "interval": 1})
    delta: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ("ATTRIBUTE", "ATTRIBUTE", "ATTRIBUTE")
    legacy: bool = False
    listed: bool = False
    older: str | None = None
    disabled: bool = False


#: Names that users choose; some of them are not allowed in a definition.
NAMES = st.sampled_from(
    ["Source connection", "Payments, EU", "Zahlungen für März", "no", "2026", "a" * 95, "x: y", "# 1"]
)
SCHEDULES = st.one_of(
    st.just({"frequency": "once"}),
    st.fixed_dictionaries(
        {
            "frequency": st.sampled_from(["minute", "hour", "day", "week"]),
            "interval": st.sampled_from([15, "30", 90]),
        },
        optional={"backfill": st.sampled_from([True, False, "false"])},
    ),
)
DESCRIPTIONS = st.sampled_from(
    [None, "Rows", "two\nlines\n", "a: b", "it's [airflow] #1", "${var.x}", "Rows [airflow:x#1.2]"]
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={"partialIngestionPercent": st.sampled_from([5, "12.5", 100]), "errorDiagnosticsEnabled": st.just(True)},
)
DELTAS = st.fixed_dictionaries(
    {}, optional={"dateFormat": st.sampled_from(["YYYY-MM-DD", "yyyy-MM-dd HH:mm:ss"]), "timezone": st.just("UTC")}
)


@st.composite
def dataflow_setups(draw: st.DrawFn) -> DataflowSetup:
    """Draw the properties of a dataflow."""
    legacy = draw(st.booleans())
    kinds = st.just("ATTRIBUTE") if legacy else st.sampled_from(["ATTRIBUTE", "EXPRESSION", "STATIC"])
    return DataflowSetup(
        vendor=draw(st.sampled_from(sorted(READS))),
        names=(draw(NAMES), draw(NAMES), draw(NAMES)),
        description=draw(DESCRIPTIONS),
        schedule=draw(SCHEDULES),
        delta=draw(DELTAS),
        options=draw(OPTIONS),
        kinds=(draw(kinds), draw(kinds), draw(kinds)),
        legacy=legacy,
        listed=draw(st.booleans()),
        older=draw(st.sampled_from([None, "tabular", "parquet_xdm"])),
        disabled=draw(st.booleans()),
    )


class DataflowCreator:
    """Creates dataflows by plain requests; each has its own schema and dataset."""

    def __init__(self, client: Client) -> None:
        self.client, self.number = client, 0
        self.bases: dict[str, str] = {}

    def post(self, path: str, body: Any, **params: str) -> Any:
        return self.client.request("POST", path, body=body, params=params).body

    def create(self, setup: DataflowSetup) -> str:
        """Create a dataflow; return its id."""
        self.number += 1
        params, columns, delta = READS[setup.vendor]
        spec = {"id": SOURCES[setup.vendor].spec_id, "version": "1.0"}
        schema = self._schema()
        shown = {"columns": _columns(*columns, delta)} if setup.listed and delta else {}
        data: dict[str, Any] = {"format": "tabular" if delta else "json"}
        if setup.older and delta:
            params, shown = {"path": params["tableName"]}, {}
            data = {"format": setup.older, "schema": {"id": self._ad_hoc_schema(*columns, delta), "version": AD_HOC}}
        source = self.post(
            f"{FLOW_SERVICE}/sourceConnections",
            {
                "name": setup.names[1],
                "baseConnectionId": self._base(setup.vendor),
                "data": data,
                "params": params | shown,
                "connectionSpec": spec,
            },
        )["id"]
        target = self._target(setup.names[2], schema, older=setup.older is not None)
        return self._dataflow(setup, source, target, self._mapping_set(setup, schema, columns), delta)

    def create_foreign(self) -> str:
        """Create a dataflow that reads files of a cloud storage; return its id."""
        self.number += 1
        if "s3" not in self.bases:
            auth = {
                "specName": "Access Key",
                "params": dict.fromkeys(("s3AccessKey", "s3SecretKey", "bucketName"), "x"),
            }
            spec = {"id": S3_SPEC, "version": "1.0"}
            body = {"name": "bucket", "auth": auth, "connectionSpec": spec}
            self.bases["s3"] = self.post(f"{FLOW_SERVICE}/connections", body)["id"]
        source = self.post(
            f"{FLOW_SERVICE}/sourceConnections",
            {
                "name": "settlements",
                "baseConnectionId": self.bases["s3"],
                "data": {"format": "delimited"},
                "params": {"path": "/settlements/paypal/"},
                "connectionSpec": {"id": S3_SPEC, "version": "1.0"},
            },
        )["id"]
        schema = self._schema()
        body = {
            "name": f"settlements {self.number}",
            "flowSpec": {"id": FILE_FLOW_SPEC, "version": "1.0"},
            "sourceConnectionIds": [source],
            "targetConnectionIds": [self._target("target", schema)],
            "transformations": [self._mapping(self._mapping_set(DataflowSetup(), schema, SETTLEMENTS))],
            "scheduleParams": {"startTime": 4102444800, "frequency": "once"},
        }
        return str(self.post(f"{FLOW_SERVICE}/flows", body)["id"])

    @staticmethod
    def _mapping(mapping_set: str) -> dict[str, Any]:
        return {"name": "Mapping", "params": {"mappingId": mapping_set, "mappingVersion": 0}}

    def _target(self, name: str, schema: str, *, older: bool = False) -> str:
        reference = {"name": f"dataset {self.number}", "schemaRef": {"id": schema, "contentType": FULL}}
        (dataset,) = self.post("/data/foundation/catalog/dataSets", reference)
        body = {
            "name": name,
            "data": {"schema": {"id": schema, "version": FULL}},
            "params": {"dataSetId": dataset.rpartition("/")[2]},
            "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"},
        }
        if older:
            body["data"] = {"format": "parquet_xdm", "schema": {"id": schema}}
            body["baseConnectionId"] = self._lake()
        return str(self.post(f"{FLOW_SERVICE}/targetConnections", body)["id"])

    def _lake(self) -> str:
        if "lake" not in self.bases:
            body = {"name": "data lake", "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"}}
            self.bases["lake"] = self.post(f"{FLOW_SERVICE}/connections", body)["id"]
        return self.bases["lake"]

    def _ad_hoc_schema(self, *columns: str) -> str:
        """Create the ad-hoc schema of a source connection, with its own class."""
        fields = {"type": "object", "properties": {column: {"type": "string"} for column in columns}}
        own = {"type": "object", "title": f"class {self.number}", "description": ""}
        class_id = self.post(
            f"{REGISTRY}/classes", own | {"allOf": [{"$ref": BEHAVIOUR}, {"properties": {"_adhoc": fields}}]}
        )["$id"]
        schema = {"type": "object", "title": f"ad hoc {self.number}", "description": "", "allOf": [{"$ref": class_id}]}
        return str(self.post(f"{REGISTRY}/schemas", schema)["$id"])

    def _dataflow(self, setup: DataflowSetup, source: str, target: str, mapping_set: str, delta: str | None) -> str:
        repeated = setup.schedule["frequency"] != "once"
        copy = (
            [{"name": "Copy", "params": {"deltaColumn": {"name": delta} | setup.delta}}] if delta and repeated else []
        )
        body = {
            "name": setup.names[0],
            "flowSpec": {"id": FLOW_SPECS[SOURCES[setup.vendor].flow_spec], "version": "1.0"},
            "sourceConnectionIds": [source],
            "targetConnectionIds": [target],
            "transformations": [self._mapping(mapping_set), *copy],
            "scheduleParams": {"startTime": 4102444800} | setup.schedule,
            "options": setup.options,
        }
        described = {"description": setup.description} if setup.description else {}
        flow = str(self.post(f"{FLOW_SERVICE}/flows", body | described)["id"])
        if setup.disabled:
            self.post(f"{FLOW_SERVICE}/flows/{flow}/action", None, op="disable")
        return flow

    def _base(self, vendor: str) -> str:
        if vendor not in self.bases:
            body = base_body(f"own {vendor}", vendor)
            self.bases[vendor] = self.post(f"{FLOW_SERVICE}/connections", body)["id"]
        return self.bases[vendor]

    def _schema(self) -> str:
        fields = {name: {"type": "string"} for name in ("name", "kind")}
        tree = {"_emulator": {"type": "object", "properties": {"own": {"type": "object", "properties": fields}}}}
        group = {
            "type": "object",
            "title": f"group {self.number}",
            "description": "",
            "meta:intendedToExtend": [PROFILE],
            "definitions": {"customFields": {"type": "object", "properties": tree}},
            "allOf": [{"$ref": "#/definitions/customFields"}],
        }
        group_id = self.post(f"{REGISTRY}/fieldgroups", group)["$id"]
        schema = {
            "type": "object",
            "title": f"schema {self.number}",
            "description": "",
            "allOf": [{"$ref": PROFILE}, {"$ref": group_id}],
        }
        return str(self.post(f"{REGISTRY}/schemas", schema)["$id"])

    def _mapping_set(self, setup: DataflowSetup, schema: str, columns: tuple[str, ...]) -> str:
        places = ("_id", "_emulator.own.name", "_emulator.own.kind")
        path = "/data/foundation/conversion/mappingSets"
        if setup.legacy:
            pairs = [
                {"destinationXdmPath": place, "sourceAttribute": column, "identity": False, "version": 0}
                for place, column in zip(places, columns, strict=True)
            ]
            return str(
                self.post(path, {"version": 0, "xdmSchema": schema, "xdmVersion": "1.0", "mappings": pairs})["id"]
            )
        templates = {"ATTRIBUTE": "{}", "EXPRESSION": "upper({})", "STATIC": "{}"}
        triples = [
            {"sourceType": kind, "source": templates[kind].format(column), "destination": place}
            for kind, place, column in zip(setup.kinds, places, columns, strict=True)
        ]
        body = {
            "name": f"set {self.number}",
            "outputSchema": {"schemaRef": {"id": schema, "contentType": FULL}},
            "mappings": triples,
        }
        return str(self.post(path, body)["id"])


def base_body(name: str, vendor: str = "paypal") -> dict[str, Any]:
    """Return the body of a vendor's base connection."""
    source = SOURCES[vendor]
    auth = {"specName": source.auth_spec, "params": dict.fromkeys(source.auth_params, "api.example.com")}
    return {"name": name, "auth": auth, "connectionSpec": {"id": source.spec_id, "version": "1.0"}}


def _columns(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "type": "string", "xdm": {"type": "string"}} for name in names]
