"""The behaviour of services in which a sandbox may differ from Adobe's documents: the choices and the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# The kinds of objects for which lags and the rule for names can be chosen.
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
# Whether a name is unique among the objects of a kind.
ONCE, TWICE = "once", "twice"
# How a parameter or a filter of a list is handled.
HONOURED, IGNORED, REFUSED = "honoured", "ignored", "refused"
# How a page limit above the maximum is handled, if it is not REFUSED.
CUT, TAKEN = "cut", "taken"
# The form of a refusal's body.
JSON, HTML, BLANK, OTHER = "json", "html", "blank", "other"


@dataclass(frozen=True, slots=True)
class LagSeconds:
    """How far lists and reads by id lag behind writes, in seconds of the emulator's clock.

    :param listed: the time until lists show a new object.
    :param readable: the time until reads by id, and references, find a new object.
    :param gone: the time for which lists still show a deleted object.
    :param gone_by_id: the time for which reads by id still find a deleted object.
    """

    listed: float = 0.0
    readable: float = 0.0
    gone: float = 0.0
    gone_by_id: float = 0.0


@dataclass(frozen=True, slots=True)
class PageLimit:
    """The number of items on a page of a service's lists.

    :param default: the number if a request names no limit; None if each request must name one.
    :param maximum: the largest limit that the service accepts unchanged.
    :param above: how a larger limit is handled: ``cut`` to the maximum, ``refused``, or ``taken`` (accepted unchanged).
    """

    default: int | None
    maximum: int
    above: str


@dataclass(frozen=True, slots=True)
class RefusalAnswer:
    """The answer to a request that is refused.

    :param code: such as ``FLOW-1439-404`` or ``401013``: it selects the service, or the gateway, whose JSON body is
        sent; empty for a body without a code.
    :param form: the form of the body; ``other`` is an empty object, which does not describe a refusal.
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
# By service and question, how the service handles the parameters or filters of a list that the question covers.
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
# The services and cases whose refusals can be chosen. Sandbox management does not read the header with the sandbox.
_CASES = ("no_token", "invalid_token", "wrong_organisation")
REFUSALS = (
    *(f"{service}.{case}" for service in PAGE_LIMITS for case in (*_CASES, "wrong_sandbox", "unknown_id")),
    *(f"sandboxes.{case}" for case in _CASES),
    *("flow_service.empty_organisation", "catalog.empty_organisation"),
    *("flow_service.malformed_organisation", "flow_service.unknown_path"),
)
TOKEN_SECONDS = 86399
