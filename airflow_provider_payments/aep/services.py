"""Paths and constants of the services of Experience Platform."""

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

#: Values of ``Accept`` for Schema Registry: a list of resources, one resource with unresolved references, or one with
#: all references resolved and with its texts, such as the labels of a ``meta:enum``.
ACCEPT_LIST = "application/vnd.adobe.xed+json"
ACCEPT_ONE = "application/vnd.adobe.xed+json; version=1"
ACCEPT_FULL = "application/vnd.adobe.xed-full+json; version=1"

#: The default page size of lists.
PAGE = 100

DATA_LAKE_SPEC_ID = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
SPEC_VERSION = "1.0"

PROFILE_CLASS = "https://ns.adobe.com/xdm/context/profile"

#: Content types in references to a schema; only their major version is significant, and it must be the same everywhere.
SCHEMA_VERSION = "application/vnd.adobe.xed-full+json;version=1"
DATASET_SCHEMA_VERSION = "application/vnd.adobe.xed+json;version=1"
ADHOC_SCHEMA_VERSION = "application/vnd.adobe.xed-full-notext+json; version=1"


def with_values(members: Json) -> Json:
    """Return the members that are not ``None``: each becomes an XCom, and Airflow 3.0 refuses an XCom that is null."""
    return {name: value for name, value in members.items() if value is not None}


def segment(object_id: str) -> str:
    """
    Return an object's id, quoted as one segment of a path.

    :raises InvalidInputError: if the id is empty or has a part ``.`` or ``..``, which clients, proxies and servers
        resolve even after an encoded slash.
    """
    if not object_id or has_dot_segment(object_id):
        raise InvalidInputError("id", object_id, "it must be set, and no part of it between slashes may be . or ..")
    return quote(object_id, safe="")


def has_dot_segment(text: str) -> bool:
    """Return whether a part between slashes is ``.`` or ``..``."""
    return any(part in (".", "..") for part in re.split(r"[/\\]", text))
