"""The announcement of a verification: the objects that it is going to create, and those that may remain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.verification.checks import Need
from airflow_provider_payments.aep.verification.kinds import KINDS, OWNER, max_objects

if TYPE_CHECKING:
    from airflow_provider_payments.aep.verification.options import VerificationOptions

__all__ = ["announcement"]

#: Kinds whose deletion no document promises.
MAY_REMAIN = ("mapping_set", "schema", "field_group")
#: Kinds of which objects are created only if a need is met.
REQUIRED_NEEDS = {
    "base_connection": Need.VENDOR,
    "source_connection": Need.SOURCE,
    "dataflow": Need.SOURCE,
}


def announcement(options: VerificationOptions) -> str:
    """Return the maximum numbers of created objects and of requests, and the objects that may remain."""
    size = options.objects_per_kind
    numbers = {
        kind: max_objects(kind, size)
        for kind in KINDS
        if kind not in REQUIRED_NEEDS or REQUIRED_NEEDS[kind] in options.met_needs
    }
    remaining = [f"{numbers[kind]} {KINDS[kind]}s" for kind in MAY_REMAIN]
    measured = f"{size} of each kind" if size > 1 else "one of each kind"
    created = f"up to {sum(numbers.values())} objects ({measured}, and more for single checks)"
    rows = "Rows are ingested into its own dataset, which is deleted too." if options.ingest else "It ingests no rows."
    lines = (
        f"In sandbox {options.sandbox} this creates {created}.",
        f"They are marked with {OWNER}, and deleted at the end.",
        f"It sends at most {options.max_requests} requests, and more only to delete objects.",
        f"Up to {', '.join(remaining[:-1])} and {remaining[-1]} remain if the services refuse to delete them.",
        f"It never changes Profile or identities. {rows}",
    )
    return "\n".join(lines)
