"""Where the services of Experience Platform lie below its URL, and what they call things that never change."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from airflow_provider_payments.aep.errors import InvalidInputError

Json = dict[str, Any]

DEFAULT_URL = "https://platform.adobe.io"

FLOW_SERVICE = "/data/foundation/flowservice"
SCHEMA_REGISTRY = "/data/foundation/schemaregistry"
CATALOG = "/data/foundation/catalog"
DATA_PREP = "/data/foundation/conversion"
DATA_ACCESS = "/data/foundation/export"
SANDBOXES = "/data/foundation/sandbox-management"

#: What Schema Registry wants in ``Accept``: resources as they are composed (a list, one), or one with all it refers to
#: and its texts: labels of a ``meta:enum`` may be some.
ACCEPT_LIST = "application/vnd.adobe.xed+json"
ACCEPT_ONE = "application/vnd.adobe.xed+json; version=1"
ACCEPT_FULL = "application/vnd.adobe.xed-full+json; version=1"

#: Items to ask for in a page of a list, where nothing says otherwise.
PAGE = 100

DATA_LAKE_SPEC_ID = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
SPEC_VERSION = "1.0"

PROFILE_CLASS = "https://ns.adobe.com/xdm/context/profile"

#: The content types that ask for a schema; only their major version counts, and it must be the same everywhere.
SCHEMA_VERSION = "application/vnd.adobe.xed-full+json;version=1"
DATASET_SCHEMA_VERSION = "application/vnd.adobe.xed+json;version=1"
ADHOC_SCHEMA_VERSION = "application/vnd.adobe.xed-full-notext+json; version=1"


def with_values(members: Json) -> Json:
    """Return the members that have a value: Airflow 3.0 refuses an XCom that is null, and each key becomes one."""
    return {name: value for name, value in members.items() if value is not None}


def segment(object_id: str) -> str:
    """
    Return an object's id as one segment of a path.

    :raises InvalidInputError: for an id that would change the path: quoting leaves dots as they are, and clients,
        proxies and servers resolve ``.`` and ``..``, behind an encoded slash too.
    """
    if not object_id or has_dot_segment(object_id):
        raise InvalidInputError("id", object_id, "it must be set, and no part of it between slashes may be . or ..")
    return quote(object_id, safe="")


def has_dot_segment(text: str) -> bool:
    """Whether a part between slashes is one or two dots."""
    return any(part in (".", "..") for part in re.split(r"[/\\]", text))
