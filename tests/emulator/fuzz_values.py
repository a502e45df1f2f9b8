"""The values for hostile requests: unusual texts, values and headers, and valid bodies.

A name between tildes stands for the id of an object in the emulator, such as ``~flows~`` for the id of a dataflow.
"""

from __future__ import annotations

from typing import Any

from tests.emulator.client import (
    CATALOG,
    CREDENTIALS,
    DATA_PREP,
    FLOW,
    PAYPAL,
    PROFILE,
    REGISTRY,
    STRIPE_SPEC,
    field_group,
    flow_body,
    mapping_body,
    sent,
    source_body,
    target_body,
)

VENDORS_SECRET = "a-secret-of-the-vendor"
KINDS = (
    "connections",
    "sourceConnections",
    "targetConnections",
    "flows",
    "runs",
    "dataSets",
    "batches",
    "mappingSets",
    "schemas",
    "fieldgroups",
    "classes",
)
Route = tuple[str, str]
# A small table, because the tests create hundreds of dataflows over it.
PLANS = "PayPal.Billing_Plans"
PLAN_PAIRS = (("Id", "_id"), ("Name", "_emulator.product.name"), ("Create_Time", "_emulator.product.createTime"))


def _valid_bodies() -> dict[Route, Any]:
    """Accepted bodies, by method and path; routes without an entry get mutated bodies of other routes."""
    mapping = mapping_body("~schemas~", *PLAN_PAIRS)
    reference = {"id": "~schemas~", "contentType": "application/vnd.adobe.xed+json;version=1"}
    dataset = {"name": "another", "description": "d", "schemaRef": reference, "tags": {"a": ["b"]}}
    schema = {"title": "more", "type": "object", "description": "d", "allOf": [{"$ref": PROFILE}]}
    auth = {"specName": "OAuth2 Refresh Code", "params": {"accessToken": VENDORS_SECRET}}
    behaviour = {"$ref": "https://ns.adobe.com/xdm/data/record"}
    schedule = {"startTime": "~start~", "frequency": "minute", "interval": "15"}
    bodies: dict[Route, Any] = {
        ("POST", f"{FLOW}/connections"): {"name": "c", "auth": auth, "connectionSpec": {"id": STRIPE_SPEC}},
        ("POST", f"{FLOW}/sourceConnections"): source_body(
            params={"tableName": PLANS, "columns": [{"name": name, "type": "string"} for name, _ in PLAN_PAIRS]}
        ),
        ("POST", f"{FLOW}/targetConnections"): target_body("~schemas~", "~dataSets~"),
        ("POST", f"{FLOW}/flows"): {
            **sent(flow_body("~sourceConnections~", "~targetConnections~", "~mappingSets~", 0)),
            "description": "d",
            "scheduleParams": {**schedule, "backfill": True},
            "labels": ["a"],
        },
        ("PATCH", f"{FLOW}/flows/{{id}}"): [{"op": "replace", "path": "/scheduleParams", "value": schedule}],
        ("POST", f"{DATA_PREP}/mappingSets"): mapping,
        ("PUT", f"{DATA_PREP}/mappingSets/{{id}}"): mapping,
        ("POST", f"{DATA_PREP}/mappingSets/{{id}}/mappings"): mapping["mappings"][0],
        ("POST", f"{DATA_PREP}/mappingSets/validate"): mapping,
        ("POST", f"{DATA_PREP}/mappingSets/preview"): {
            "data": [{"Id": "1", "Name": "n", "Create_Time": "2024-01-01T00:00:00Z"}],
            "mappingSet": mapping,
        },
        ("POST", f"{CATALOG}/dataSets"): dataset,
        ("PUT", f"{CATALOG}/dataSets/{{id}}"): dataset,
        ("PATCH", f"{CATALOG}/dataSets/{{id}}"): dataset,
        ("POST", "/__emulator__/reset"): {"clock": 1_700_000_000},
        ("POST", "/__emulator__/clock"): {"advance": 60},
        ("POST", "/__emulator__/faults"): {
            "seed": 7,
            "faults": [{"match": {"method": "POST", "path": "*/flows", "nth": 2}, "action": "html", "times": None}],
        },
        ("POST", "/__emulator__/outcomes"): {"outcome": "partial", "flowId": "~flows~", "times": 3, "failed": 2},
        ("POST", "/__emulator__/outcomes/release"): {"flowId": "~flows~"},
        ("PUT", "/__emulator__/rate-limit"): {"requests_a_minute": 50, "burst": 10, "retry_after": "date"},
        ("PUT", "/__emulator__/options"): {"last_run_shows_active": False, "sandbox_admin": True},
        ("POST", "/__emulator__/hidden"): {"kind": "flows", "id": "~flows~"},
        ("POST", "/__emulator__/seed"): {"sandbox": "dev", "dataflows": 2, "runs_per_dataflow": 2, "source": "stripe"},
    }
    for name in ("fieldgroups", "mixins"):
        bodies["POST", f"{REGISTRY}/tenant/{name}"] = field_group("more fields", {"a": {"type": "integer"}})
        bodies["PUT", f"{REGISTRY}/tenant/{name}/{{id:path}}"] = field_group(
            "products fields", {"name": {"type": "string"}, "more": {"type": "array", "items": {"type": "number"}}}
        )
    moved = {**schema, "$id": "https://ns.adobe.com/<XDM_TENANTID_PLACEHOLDER>/schemas/ab12"}
    bodies["POST", f"{REGISTRY}/rpc/import"] = [{**moved, "meta:resourceType": "schemas"}]
    whole = {**schema, "allOf": [{"$ref": PROFILE}, {"$ref": "~fieldgroups~"}]}
    bodies["POST", f"{REGISTRY}/tenant/schemas"] = whole
    bodies["PUT", f"{REGISTRY}/tenant/schemas/{{id:path}}"] = whole
    for method, end in (("POST", ""), ("PUT", "/{id:path}")):
        bodies[method, f"{REGISTRY}/tenant/classes{end}"] = {**schema, "allOf": [behaviour]}
    return bodies


VALID_BODIES = _valid_bodies()
VALID_QUERIES = {
    f"{FLOW}/connections/{{id}}/explore": "objectType=table&object=PayPal.Catalog_Products&preview=true",
    f"{FLOW}/flows/{{id}}/action": "op=disable",
    f"{DATA_PREP}/mappingSets": "limit=10&start=0",
    f"{DATA_PREP}/mappingSets/suggestion": "datasetId=~dataSets~&batchId=~batches~",
    f"{CATALOG}/dataSets": "limit=5",
    f"{CATALOG}/dataSetFiles": "dataSetId=~dataSets~",
    f"{FLOW}/runs": "property=flowId==~flows~&orderby=-createdAt&limit=2",
    f"{FLOW}/flows": "property=name==flow&limit=1",
}
VALID_PATCH = [{"op": "replace", "path": "/name", "value": "n"}]
FORM = "&".join(f"{name}={value}" for name, value in CREDENTIALS.items())
ODDITIES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 10**9, 10**11, 10**40, -(10**400), 0.5, 1e308, -1e-308, float("nan")),
    *("", " ", "x", "0", "-1", "1e5", "\x00", "\ud800", "\udfff\ud800", "🙂" * 50, "a" * 5000, "\u202e\ufeff", "'\"\\"),
    *("..", "../../etc/passwd", "${7*7}", "{{x}}", "%s%n", "<b>&", "null", "true", "https://ns.adobe.com/xdm/", "~"),
    *([], {}, [[]], [None], [{}], {"": None}, {"a": {"b": {}}}, {"$ref": 5}, {"$ref": "#"}, {"properties": []}),
    *({"type": []}, {"type": "object", "properties": {"": {}}}, {"id": {}}, {"name": 1}, ["a", "a"], [1, "a", None]),
    *(f"~{kind}~" for kind in KINDS),
    *(PAYPAL, PROFILE, "~start~"),
]
MEMBERS = ("$ref", "id", "state", "mode", "type", "version", "items", "format", "enum", "sourceType", "meta:class")
POINTERS = (
    *(
        "",
        "/",
        "//",
        "name",
        "/name",
        "/description",
        "/state",
        "/id",
        "/etag",
        "/a/b/c",
        "/name/a",
        "/-",
        "/~2",
        "/~01",
    ),
    *("/auth", "/auth/params", "/auth/params/clientId", "/auth/specName", "/connectionSpec", "/connectionSpec/version"),
    *("/data", "/data/format", "/data/schema", "/data/schema/id", "/params", "/params/tableName", "/params/columns"),
    *("/params/columns/0", "/params/columns/-", "/params/columns/0/name", "/params/dataSetId", "/baseConnectionId"),
    *("/scheduleParams", "/scheduleParams/startTime", "/scheduleParams/frequency", "/scheduleParams/interval"),
    *(
        "/transformations",
        "/transformations/0",
        "/transformations/-",
        "/transformations/9999999999",
        "/transformations/x",
    ),
    *(
        "/transformations/0/params/deltaColumn/name",
        "/transformations/1/params/mappingVersion",
        "/transformations/1/name",
    ),
    *("/options", "/options/partialIngestionPercent", "/options/errorDiagnosticsEnabled", "/labels/0", "/policy"),
    *(
        "/tags",
        "/tags/x",
        "/tags/x/0",
        "/schemaRef",
        "/schemaRef/id",
        "/schemaRef/contentType",
        "/enableErrorDiagnostics",
    ),
    *("/title", "/type", "/allOf", "/allOf/0", "/allOf/0/$ref", "/allOf/-", "/definitions", "/definitions/own", "/$id"),
    *(
        "/definitions/own/properties/_emulator/properties/product",
        "/properties",
        "/meta:class",
        "/meta:intendedToExtend/0",
    ),
)
RAW_BODIES = (
    *(
        b"",
        b" ",
        b"{",
        b"}",
        b'"',
        b"null",
        b"0",
        b"true",
        b'""',
        b"[]",
        b"{}",
        b"[null]",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
    ),
    *(b"NaN", b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a": 1e999}', b"9" * 5000, b"-" * 99, b'{"a":1}{"a":2}'),
    *(b"[" * 100_000, b'{"a":' * 100_000, b"[" * 500 + b"]" * 500, b'{"a":1,"a":2}', b"{'a': 1}", b"\x00", b"a=b&c=d"),
    *(b'{"properties":' * 90 + b"{}" + b"}" * 90, b'"\\ud800"', b'{"name": "' + b"x" * 200_000 + b'"}', b"<xml/>"),
    *(b"%", b"grant_type=%ff", b"&&&=", FORM.encode(), FORM.encode() * 2, b"client_secret=" + b"9" * 9000),
)
RAW_TEXTS = (
    *("..", ".", "%2e%2e", "%2e", "%00", "%", "%zz", "%f", "%ff", "%c3%28", "%ed%a0%80", "%F0%9F%99%82", "%0d%0aX:1"),
    *(
        "a%2Fb",
        "%2F",
        "%5c",
        "'",
        "%22",
        "'" * 300,
        "a" * 9000,
        "{id}",
        "{}",
        "null",
        "None",
        "-1",
        "0",
        "*",
        "%20",
        "+",
    ),
    *("9" * 400, "..%2f..%2f", "@", ";", ":", "$id", "_xdm", "%u0041", "=", "==", "1.5", "true", "1e9", "NaN", "[]"),
)
NAMES = (
    *("property", "orderby", "orderBy", "limit", "continuationToken", "count", "start", "op", "objectType", "object"),
    *("preview", "filters", "sourceParams", "properties", "name", "tags", "sort", "createdAfter", "createdBefore"),
    *(
        "dataSet",
        "status",
        "state",
        "version",
        "expansion",
        "page",
        "offset",
        "requestDataSource",
        "id",
        "path",
        "method",
    ),
    *("begin", "end", "grant_type", "client_id", "client_secret", "scope", "", "%00", "a" * 300, "%ff"),
)
QUERY_VALUES = (
    *("flowId==~flows~", "id==~flows~,~runs~", "name==flow", "name!=flow", "createdAt>=0", "createdAt<x", "createdAt>"),
    *("state==success", "state!=failed", "metrics.statusSummary.status==success", "metrics.recordSummary>1", "name"),
    *(
        "sourceConnectionIds[]==~sourceConnections~",
        "name~x",
        "name=x",
        "name=='x",
        "==",
        ">=",
        "a.b.c..[]==1",
        "[]==1",
    ),
    *(
        "name==" + "a," * 3000,
        "a." * 3000 + "a==1",
        "params[].a==1",
        "id==",
        "createdAt>=0,1",
        "name==%00",
        "etag!=%ff",
    ),
    *(
        "createdAt",
        "-createdAt",
        "+name",
        "-metrics.durationSummary.startedAtUTC",
        "-params",
        "%2Bname",
        "desc:created",
    ),
    *("asc:", "name:desc", ":", ",,,", "name,tags", "a" * 5000, "title", "title|https://x", "-title", "true", "false"),
    *("0", "1", "2", "-1", "00", "1.0", "99999999999999999999", "٣", "9" * 5000, "1e3", "enable", "disable", "cancel"),
    *("root", "table", "rest", "PayPal.Catalog_Products", "catalog-products", "~dataSets~", "~batches~", "~schemas~"),
    *("eyJuIjoxLCJrIjpbMSwiYSIsIiJdfQ", "A" * 9000, "eyJuIjotMX0", "=", "bnVsbA", "W10", "tags:a", "a:b:c", "*", "^x$"),
)
HEADER_VALUES = (
    *("", " ", "x", "*/*", "*", ";", "a" * 5000, "\xff\xfe", "application/json; charset=\xff", "text/plain", ";;=,"),
    *("application/vnd.adobe.xed+json", "application/vnd.adobe.xed-full+json; version=1", "application/xml;q=0.1"),
    *(
        "application/vnd.adobe.xed-full+json;version=99999999999999999999",
        "application/vnd.adobe.xed-full+json;version=",
    ),
    *(
        "application/vnd.adobe.xed-id+json",
        "application/vnd.adobe.xed-full-notext+json; version=1.9",
        "multipart/form-data",
    ),
    *("application/vnd.adobe.platform.xcm+json;version=2", "application/x-www-form-urlencoded", "Bearer", "Bearer  "),
    *(
        "Bearer x",
        "Basic eDp4",
        "bearer\t",
        "prod",
        "dev ",
        "DEV",
        "nowhere",
        "../dev",
        "EMULATOR@AdobeOrg,x",
        '"',
        '""',
    ),
    *("W/x", "~flows.etag~", "-1", "9" * 300, "gzip", "100-continue", "bytes=0-", "Thu, 99 Foo 2024"),
)
HEADER_NAMES = (
    *("Accept", "Content-Type", "If-Match", "x-sandbox-name", "x-gw-ims-org-id", "x-api-key", "Authorization"),
    *("x-request-id", "Accept-Encoding", "x-sandbox-id", "Cookie", "Range", "Prefer", "X-HTTP-Method-Override"),
)
