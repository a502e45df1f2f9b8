"""Where the services of Experience Platform lie below its URL, and what they call things that never change."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

DEFAULT_URL = "https://platform.adobe.io"

FLOW_SERVICE = "/data/foundation/flowservice"
SCHEMA_REGISTRY = "/data/foundation/schemaregistry"
CATALOG = "/data/foundation/catalog"
DATA_PREP = "/data/foundation/conversion"

#: What Schema Registry wants in ``Accept``: resources as they are composed (a list, one), or one with all it refers to.
ACCEPT_LIST = "application/vnd.adobe.xed+json"
ACCEPT_ONE = "application/vnd.adobe.xed+json; version=1"
ACCEPT_FULL = "application/vnd.adobe.xed-full-notext+json; version=1"

DATA_LAKE_SPEC_ID = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
SPEC_VERSION = "1.0"

PROFILE_CLASS = "https://ns.adobe.com/xdm/context/profile"

#: The content types that ask for a schema; only their major version counts, and it must be the same everywhere.
SCHEMA_VERSION = "application/vnd.adobe.xed-full+json;version=1"
DATASET_SCHEMA_VERSION = "application/vnd.adobe.xed+json;version=1"
ADHOC_SCHEMA_VERSION = "application/vnd.adobe.xed-full-notext+json; version=1"
