"""How the platform behaves where the documents leave it open or a sandbox may differ: the values that can be chosen."""

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
NAMES: Mapping[str, str] = {**dict.fromkeys(KINDS, TWICE), "schema": ONCE, "field_group": ONCE}


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


NO_LAG = LagSeconds()
