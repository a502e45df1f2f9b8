"""How services behave where a sandbox may differ from the documents: what can be chosen, and the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# The kinds of objects that have lags and rules for names.
KINDS = (
    "base_connection",
    "source_connection",
    "target_connection",
    "dataflow",
    "mapping_set",
    "dataset",
    "schema",
    "field_group",
)
# Whether the name of an object may be given to another one of its kind.
ONCE, TWICE = "once", "twice"
# What becomes of a parameter or a filter of a list, and of a page limit above the maximum.
HONOURED, IGNORED, REFUSED = "honoured", "ignored", "refused"
CUT, TAKEN = "cut", "taken"
# The form of a refusal's body.
JSON, HTML, BLANK, OTHER = "json", "html", "blank", "other"


@dataclass(frozen=True, slots=True)
class LagSeconds:
    """How many seconds of the emulator's clock lists and reads by id stay behind writes.

    :param listed: until lists show a new object.
    :param readable: until reads by id, and references, find a new object.
    :param gone: how long lists still show a deleted object.
    :param gone_by_id: how long reads by id still find a deleted object.
    """

    listed: float = 0.0
    readable: float = 0.0
    gone: float = 0.0
    gone_by_id: float = 0.0


@dataclass(frozen=True, slots=True)
class PageLimit:
    """How many items a page of a service's lists has.

    :param default: where a request names no limit; None if it must.
    :param maximum: the largest limit that the service accepts as it is.
    :param above: what becomes of a larger one: it is ``cut`` to the maximum, ``refused``, or ``taken`` nevertheless.
    """

    default: int | None
    maximum: int
    above: str


@dataclass(frozen=True, slots=True)
class RefusalAnswer:
    """How a refusal is answered.

    :param code: such as ``FLOW-1439-404`` or ``401013``: it says whose JSON body it is; empty for a body without one.
    :param form: of the body; ``other`` for an empty object, which says nothing of a refusal.
    """

    status: int
    code: str = ""
    form: str = JSON


NO_LAG = LagSeconds()
NAMES: Mapping[str, str] = {**dict.fromkeys(KINDS, TWICE), "schema": ONCE, "field_group": ONCE}
PAGE_LIMITS: Mapping[str, PageLimit] = {
    "flow_service": PageLimit(100, 1000, CUT),
    "schema_registry": PageLimit(300, 500, CUT),
    "catalog": PageLimit(20, 100, REFUSED),
    "data_prep": PageLimit(None, 1000, CUT),
}
# By service and question, what the service does with a request of a list that asks it.
QUESTIONS: Mapping[str, str] = {
    **{
        f"{service}.{question}": HONOURED
        for service in PAGE_LIMITS
        for question in ("start", "order", "name_filter", "non_ascii_names", "quoted_names")
    },
    **{f"{service}.unknown_parameter": IGNORED for service in PAGE_LIMITS},
    "flow_service.start": IGNORED,
    "flow_service.unknown_parameter": REFUSED,
    "flow_service.filter_ids": HONOURED,
    "flow_service.filter_last_run_started": HONOURED,
    "flow_service.filter_created": HONOURED,
    "flow_service.continuation_token": HONOURED,
}
# The services and cases whose refusals can be chosen. Sandbox management does not look at the header of a sandbox.
_CASES = ("no_token", "invalid_token", "wrong_organisation")
REFUSALS = (
    *(f"{service}.{case}" for service in PAGE_LIMITS for case in (*_CASES, "wrong_sandbox", "unknown_id")),
    *(f"sandboxes.{case}" for case in _CASES),
    *("flow_service.empty_organisation", "catalog.empty_organisation"),
    *("flow_service.malformed_organisation", "flow_service.unknown_path"),
)
TOKEN_SECONDS = 86399
