"""What a verification is going to make, and what may stay: said before anything is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_payments.aep.verification.checks import Need
from airflow_provider_payments.aep.verification.kinds import KINDS, OWNER, max_objects

if TYPE_CHECKING:
    from airflow_provider_payments.aep.verification.question import Question

__all__ = ["announcement"]

#: Kinds whose deletion no document promises.
MAY_STAY = ("mapping_set", "schema", "field_group")
#: Without what nothing of a kind is made.
NEEDED = {
    "base_connection": Need.VENDOR,
    "source_connection": Need.SOURCE,
    "dataflow": Need.SOURCE,
}


def announcement(question: Question) -> str:
    """Return what a verification makes at most, what may stay of it, and what it does not touch."""
    most = {
        kind: max_objects(kind, question.objects)
        for kind in KINDS
        if kind not in NEEDED or NEEDED[kind] in question.held
    }
    kept = [f"{most[kind]} {KINDS[kind]}s" for kind in MAY_STAY]
    measured = f"{question.objects} of each kind" if question.objects > 1 else "one of each kind"
    made = f"up to {sum(most.values())} objects ({measured}, and more for single checks)"
    rows = "Rows go into a dataset of its own, which is deleted too." if question.ingest else "It brings in no rows."
    lines = (
        f"In sandbox {question.sandbox} this makes {made}.",
        f"They are marked with {OWNER}, and deleted at the end.",
        f"It sends at most {question.max_requests} requests, and more only to remove objects.",
        f"Up to {', '.join(kept[:-1])} and {kept[-1]} stay if the services refuse to delete them.",
        f"It never touches Profile or identities. {rows}",
    )
    return "\n".join(lines)
