"""The connection specs and flow specs for payment data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

_DRAFT7 = "http://json-schema.org/draft-07/schema#"
_PROVIDER_ID = "0ed90a81-07f4-4586-8190-b40eccef1c5a"
DATA_LAKE_ID = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
PAYPAL_ID = "221c7626-58f6-4eec-8ee2-042b0226f03b"
SQUARE_ID = "2acf109f-9b66-4d5e-bc18-ebb2adcff8d5"
STRIPE_ID = "cc2c31d6-7b8c-4581-b49f-5c8698aa3ab3"
CRM_FLOW_SPEC_ID = "14518937-270c-4525-bdec-c2ba7cce3860"
REST_FLOW_SPEC_ID = "6499120c-0b15-42dc-936e-847ea3c24d72"
S3_ID = "ecadc60c-7455-4d87-84dc-2a0e293d997b"
BLOB_ID = "4c10e202-c428-4796-9208-5f1f5732b1cf"
SFTP_ID = "b7bf2577-4520-42c9-bae9-cad01560f7bc"
GCS_ID = "32e8f412-cdf7-464c-9885-78184cb113fd"
FILE_FLOW_SPEC_ID = "9753525b-82c7-4dce-8a9b-5ccfce2b9876"
FILE_FORMATS = ("delimited", "json", "parquet")
SECRETS = frozenset(
    {
        *("clientSecret", "accessToken", "refreshToken", "s3SecretKey", "s3SessionToken", "connectionString", "sasUri"),
        *("password", "privateKeyContent", "passPhrase", "secretAccessKey"),
    }
)
WRONG_SECRET = "wrong"
_TEXT = {"type": "string"}


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of the data in a kind of source or target system, and the way to address the data.

    :param category: the category of such systems in the catalogue of sources.
    :param formats: the allowed values of ``data.format``.
    :param object_types: the types of objects that can be explored.
    :param params: the parameters of a source connection, as JSON schemas; the first one is required.
    """

    name: str
    category: str
    formats: tuple[str, ...] = ()
    object_types: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)


SHAPES: Mapping[str, Shape] = {
    "table": Shape(
        "Tabular",
        "Payments",
        # Older documents send 'parquet_xdm' for tables.
        ("tabular", "parquet_xdm"),
        ("root", "table"),
        {"tableName": _TEXT, "columns": {"type": "array", "items": {"type": "object"}}},
    ),
    "rest": Shape("Rest", "Payments", ("json",), ("root", "rest"), {"resourcePath": _TEXT}),
    "file": Shape(
        "CloudStorage",
        "Cloud Storage",
        FILE_FORMATS,
        ("root", "folder", "file"),
        {
            "path": _TEXT,
            "type": {**_TEXT, "enum": ["file", "folder"]},
            "recursive": {"type": "boolean", "default": False},
        },
    ),
    "lake": Shape("Data Lake", "Data Lake"),
}


@dataclass(frozen=True, slots=True)
class AuthSpec:
    """A way to authenticate at a source.

    :param needed: the names of required parameters.
    :param optional: the names of optional parameters.
    """

    name: str
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        params = {
            name: {**_TEXT, "format": "password"} if name in SECRETS else _TEXT for name in self.needed + self.optional
        }
        return {"name": self.name, "type": "KeyBased", "spec": _object(params, self.needed)}


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """A kind of source, or the data lake.

    :param label: the source's name in the catalogue of sources.
    :param shape: a key of :data:`SHAPES`.
    :param auth: the ways to authenticate; none for the data lake.
    """

    id: str
    name: str
    label: str
    shape: Literal["table", "rest", "file", "lake"]
    auth: tuple[AuthSpec, ...] = ()

    @property
    def vendor(self) -> str:
        """The vendor whose sample tables connections of this kind offer."""
        return "files" if self.shape == "file" else self.name

    def to_wire(self) -> dict[str, Any]:
        shape, is_lake = SHAPES[self.shape], self.shape == "lake"
        role = {"isTarget": True} if is_lake else {"connectorName": self.label, "isSource": True}
        wire: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "providerId": _PROVIDER_ID,
            "version": "1.0",
            "attributes": {"category": shape.category, **role, "isDraftModeSupported": True},
            "permissionsInfo": _permissions("Dataset" if is_lake else "EnterpriseSource"),
        }
        if is_lake:
            lake = _object({"dataSetId": _TEXT}, ["dataSetId"])
            return {**wire, "targetSpec": {"name": shape.name, "type": "Dataset", "spec": lake}}
        explored = "FileSystem" if self.shape == "file" else "Resource"
        request = {"objectType": {**_TEXT, "enum": list(shape.object_types)}, "object": _TEXT}
        return {
            **wire,
            "authSpec": [auth.to_wire() for auth in self.auth],
            "sourceSpec": {"name": shape.name, "type": shape.name, "spec": _object(shape.params, [*shape.params][:1])},
            "exploreSpec": {"name": explored, "type": explored, "requestSpec": _object(request, ["objectType"])},
        }


def _object(properties: Mapping[str, Any], needed: Sequence[str]) -> dict[str, Any]:
    return {"$schema": _DRAFT7, "type": "object", "properties": dict(properties), "required": list(needed)}


def _permissions(resource: str) -> dict[str, Any]:
    return {
        verb: [{"@type": "lowLevel", "name": resource, "permissions": [right]}]
        for verb, right in (("view", "read"), ("manage", "write"))
    }


_PAYMENT_AUTH = ("host", "clientId", "clientSecret")
_BUCKET = ("bucketName", "folderPath")
_CONTAINER = ("container", "folderPath")
CONNECTION_SPECS: Mapping[str, ConnectionSpec] = {
    spec.id: spec
    for spec in (
        ConnectionSpec(
            PAYPAL_ID, "paypal", "PayPal", "table", (AuthSpec("Client-Id-Secret Based Authentication", _PAYMENT_AUTH),)
        ),
        ConnectionSpec(
            SQUARE_ID,
            "square",
            "Square",
            "table",
            (AuthSpec("OAuth2 Refresh Code", (*_PAYMENT_AUTH, "accessToken", "refreshToken")),),
        ),
        ConnectionSpec(STRIPE_ID, "stripe", "Stripe", "rest", (AuthSpec("OAuth2 Refresh Code", ("accessToken",)),)),
        ConnectionSpec(
            S3_ID,
            "amazon-s3",
            "Amazon S3",
            "file",
            (AuthSpec("Access Key", ("s3AccessKey", "s3SecretKey"), ("s3SessionToken", "serviceUrl", *_BUCKET)),),
        ),
        ConnectionSpec(
            BLOB_ID,
            "azure-blob",
            "Azure Blob Storage",
            "file",
            (
                AuthSpec("ConnectionString", ("connectionString",), _CONTAINER),
                AuthSpec("SasURIAuthentication", ("sasUri",), _CONTAINER),
            ),
        ),
        ConnectionSpec(
            SFTP_ID,
            "sftp",
            "SFTP",
            "file",
            (
                AuthSpec("Basic Authentication for sftp", ("host", "userName", "password"), ("port", "folderPath")),
                AuthSpec(
                    "SSH PublicKey Authentication for sftp",
                    ("host", "userName", "privateKeyContent"),
                    ("passPhrase", "port", "folderPath"),
                ),
            ),
        ),
        ConnectionSpec(
            GCS_ID,
            "google-cloud",
            "Google Cloud Storage",
            "file",
            (AuthSpec("Basic Authentication for google-cloud", ("accessKeyId", "secretAccessKey"), _BUCKET),),
        ),
        ConnectionSpec(DATA_LAKE_ID, "datalake", "Data Lake", "lake"),
    )
}

# Sources that share the table-based flow spec; only those with a connection spec above can be used here.
_TABLE_SOURCES = (
    "3416976c-a9ca-4bba-901a-1f08f66978ff 38ad80fe-8b06-4938-94f4-d4ee80266b07 d771e9c1-4f26-40dc-8617-ce58c4b53702 "
    "3c9b37f8-13a6-43d8-bad3-b863b941fedd cc6a4487-9e91-433e-a3a3-9cf6626c1806 3000eb99-cd47-43f3-827c-43caf170f015 "
    "26d738e0-8963-47ea-aadf-c60de735468a 74a1c565-4e59-48d7-9d67-7c03b8a13137 cfc0fee1-7dc0-40ef-b73e-d8b134c436f5 "
    "4f63aa36-bd48-4e33-bb83-49fbcd11c708 cb66ab34-8619-49cb-96d1-39b37ede86ea eb13cb25-47ab-407f-ba89-c0125281c563 "
    "1f372ff9-38a4-4492-96f5-b9a4e4bd00ec 37b6bf40-d318-4655-90be-5cd6f65d334b a49bcc7d-8038-43af-b1e4-5a7a089a7d79 "
    f"{PAYPAL_ID} a8b6a1a4-5735-42b4-952c-85dce0ac38b5 6a8d82bc-1caf-45d1-908d-cadabc9d63a6 "
    "aac9bbd4-6c01-46ce-b47e-51c6f0f6db3f 8e6b41a8-d998-4545-ad7d-c6a9fff406c3 ecde33f2-c56f-46cc-bdea-ad151c16cd69 "
    "102706fb-a5cd-42ee-afe0-bc42f017ff43 09182899-b429-40c9-a15a-bf3ddbc8ced7 0479cc14-7651-4354-b233-7480606c2ac3 "
    "d6b52d86-f0f8-475f-89d4-ce54c8527328 a8f4d393-1a6b-43f3-931f-91a16ed857f4 1fe283f6-9bec-11ea-bb37-0242ac130002 "
    "fcad62f3-09b0-41d3-be11-449d5a621b69 ea1c2a08-b722-11eb-8529-0242ac130003 35d6c4d8-c9a9-11eb-b8bc-0242ac130003 "
    "ff4274f2-c9a9-11eb-b8bc-0242ac130003 ba5126ec-c9ac-11eb-b8bc-0242ac130003 b2e08744-4f1a-40ce-af30-7abac3e23cf3 "
    f"929e4450-0237-4ed2-9404-b7e1e0a00309 {SQUARE_ID} 2fa8af9c-2d1a-43ea-a253-f00a00c74412"
).split()

_FILE_SOURCES = (
    f"b3ba5556-48be-44b7-8b85-ff2b69b46dc4 {S3_ID} b7829c2f-2eb0-4f49-a6ee-55e33008b629 {BLOB_ID} "
    f"fb2e94c9-c031-467d-8103-6bd6e0a432f2 {GCS_ID} "
    f"{SFTP_ID} 998b8ae3-cec0-43b7-8abe-40b1eb4ee069 be5ec48c-5b78-49d5-b8fa-7c89ec4569b8"
).split()


_DELTA_COLUMN = {
    "type": "object",
    "properties": dict.fromkeys(("name", "dateFormat", "timezone"), _TEXT),
    "required": ["name"],
}


def _schedule_spec() -> dict[str, Any]:
    def unless_given(name: str) -> dict[str, Any]:
        return {"not": {"required": [name]}}

    def if_frequency(value: str) -> dict[str, Any]:
        return {"properties": {"frequency": {"const": value}}}

    def interval_from(least: int) -> dict[str, Any]:
        return {"properties": {"interval": {"minimum": least}}}

    return {
        "name": "PeriodicSchedule",
        "type": "Periodic",
        "spec": {
            **_object(
                {
                    "startTime": {"type": "integer", "description": "epoch seconds"},
                    "frequency": {**_TEXT, "enum": ["once", "minute", "hour", "day", "week"]},
                    "interval": {"type": "integer"},
                    "backfill": {"type": "boolean", "default": True},
                },
                ["startTime", "frequency"],
            ),
            "if": if_frequency("once"),
            "then": {"allOf": [unless_given("interval"), unless_given("backfill")]},
            "else": {
                "required": ["interval"],
                "if": if_frequency("minute"),
                "then": interval_from(15),
                "else": interval_from(1),
            },
        },
    }


def _flow_spec(identifier: str, name: str, sources: list[str], transformations: list[dict[str, Any]]) -> dict[str, Any]:
    run_params: dict[str, Any] = {key: {"type": "integer"} for key in ("startTime", "windowStartTime", "windowEndTime")}
    if _COPY in transformations:
        run_params["deltaColumn"] = _DELTA_COLUMN
    return {
        "id": identifier,
        "name": name,
        "providerId": _PROVIDER_ID,
        "version": "1.0",
        "sourceConnectionSpecIds": sources,
        "targetConnectionSpecIds": [DATA_LAKE_ID],
        "optionSpec": {
            "name": "OptionSpec",
            "spec": {
                "$schema": _DRAFT7,
                "type": "object",
                "properties": {
                    "errorDiagnosticsEnabled": {"type": "boolean", "default": False, "title": "Error diagnostics"},
                    "partialIngestionPercent": {
                        "type": "number",
                        "exclusiveMinimum": 0,
                        "title": "Tolerated share of bad records",
                    },
                },
            },
        },
        "transformationSpecs": transformations,
        "scheduleSpec": _schedule_spec(),
        "runSpec": {"name": "ProviderParams", "spec": _object(run_params, [*run_params])},
        "attributes": {
            "isSourceFlow": True,
            "flacValidationSupported": True,
            "recordTypeEnabled": True,
            "defaultRecordType": "profile",
            "isDraftModeSupported": True,
            "frequency": "batch",
            "notification": {"category": "sources", "flowRun": {"enabled": True}},
        },
        "permissionsInfo": _permissions("EnterpriseSource"),
    }


_COPY = {"name": "Copy", "spec": _object({"deltaColumn": _DELTA_COLUMN}, ["deltaColumn"])}
_MAPPING = {
    "name": "Mapping",
    "spec": {"$schema": _DRAFT7, "type": "object", "properties": {"mappingId": _TEXT, "mappingVersion": _TEXT}},
}
FLOW_SPECS: Mapping[str, Mapping[str, Any]] = {
    spec["id"]: spec
    for spec in (
        _flow_spec(CRM_FLOW_SPEC_ID, "CRMToAEP", _TABLE_SOURCES, [_COPY, _MAPPING]),
        _flow_spec(REST_FLOW_SPEC_ID, "RestStorageToAEP", [STRIPE_ID], [_MAPPING]),
        _flow_spec(FILE_FLOW_SPEC_ID, "CloudStorageToAEP", _FILE_SOURCES, [_MAPPING]),
    )
}
