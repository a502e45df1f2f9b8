"""What a verification found, as people and programs read it. It holds nothing of the tenant: no id, name or token."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments import __version__
from airflow_provider_payments.aep.tables import aligned
from airflow_provider_payments.aep.verification.findings import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.checks import Check

__all__ = ["REPORT_FORMAT", "Report", "report_rows", "report_text", "summary_line"]

#: Raised when a member of the JSON form changes its meaning.
REPORT_FORMAT = 1
#: A recommended settle time is so many times the longest that was measured: three objects show no bad day.
MARGIN = 3
#: Seconds that are recommended at least.
MIN_SETTLE_SECONDS, MIN_DATAFLOW_SETTLE_SECONDS = 5, 20


@attrs.frozen
class Report:
    """
    What was found.

    :param findings: the checks that were asked for, each with what was found.
    :param quick: whether one object of each kind was made.
    :param ingest: whether rows might be brought in.
    :param day: when, as an ISO date.
    :param requests: how many were sent, those for tokens not counted.
    :param left: the kinds of the objects that the service kept, each as often.
    """

    findings: Sequence[tuple[Check, Finding]]
    quick: bool
    ingest: bool
    day: str
    requests: int
    left: Sequence[str]

    @property
    def is_contradicted(self) -> bool:
        """Whether an assumption does not hold."""
        return any(finding.outcome is Outcome.CONTRADICTED for _, finding in self.findings)

    @property
    def recommended(self) -> Json:
        """The settle times of the Airflow connection's extra; without those that were not measured."""
        longest: dict[str, Any] = {
            check.id.removesuffix(".listed"): finding.seen.get("maximum")
            for check, finding in self.findings
            if check.id.endswith(".listed") and finding.outcome is not Outcome.NOT_TRIED
        }
        if None in longest.values():
            return {}
        # A run that is asked for, too, is looked for within the settle time of dataflows.
        dataflows = [longest.pop(topic) for topic in ("dataflow", "flow_run") if topic in longest]
        others = {"settle_seconds": _with_margin(max(longest.values()), MIN_SETTLE_SECONDS)} if longest else {}
        if not dataflows:
            return others
        return others | {"dataflow_settle_seconds": _with_margin(max(dataflows), MIN_DATAFLOW_SETTLE_SECONDS)}

    def to_json(self) -> Json:
        """Return it as plain JSON, which :func:`~.report_schema.report_schema` describes."""
        return {
            "format": REPORT_FORMAT,
            "provider": __version__,
            "day": self.day,
            "quick": self.quick,
            "ingest": self.ingest,
            "requests": self.requests,
            "summary": {str(outcome): count for outcome, count in _counts(self).items()},
            "checks": [_shown(check, finding) for check, finding in self.findings],
            "left": dict(Counter(self.left)),
            "recommended": self.recommended,
        }


def report_rows(report: Report) -> list[dict[str, str]]:
    """Return a row for each check, those that are contradicted first."""
    order = [Outcome.CONTRADICTED, Outcome.CONFIRMED, Outcome.NOT_TRIED]
    ordered = sorted(report.findings, key=lambda pair: order.index(pair[1].outcome))
    return [{"outcome": str(found.outcome), "check": check.id, "seen": said(found)} for check, found in ordered]


def report_text(report: Report) -> str:
    """Return a table, what stays, and the recommended extra."""
    rows = [{column.upper(): cell for column, cell in row.items()} for row in report_rows(report)]
    lines = [*aligned(rows, list(rows[0])), ""] if rows else []
    if report.left:
        kept = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in Counter(report.left).items())
        lines += [f"Kept by the services: {kept}.", ""]
    if report.recommended:
        extra = ", ".join(f'"{name}": {seconds}' for name, seconds in report.recommended.items())
        lines += [f"Recommended in the connection's extra: {extra}", ""]
    return "\n".join([*lines, summary_line(report)])


def summary_line(report: Report) -> str:
    """Return how many checks ended how."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in _counts(report).items())
    return f"Verify: {counts}; {report.requests} requests."


def said(finding: Finding) -> str:
    """Return what was seen in one line."""
    return finding.reason or ", ".join(
        f"{name.replace('_', ' ')}: {_word(value)}" for name, value in finding.seen.items()
    )


def _word(value: object) -> str:
    return "none" if value in (None, "") else str(value).lower() if isinstance(value, bool) else str(value)


def _shown(check: Check, finding: Finding) -> Json:
    reason = {"reason": finding.reason} if finding.reason else {}
    shown = {"id": check.id, "assumption": check.assumption, "outcome": str(finding.outcome), "seen": finding.seen}
    return shown | reason


def _counts(report: Report) -> dict[Outcome, int]:
    counts = Counter(finding.outcome for _, finding in report.findings)
    return {outcome: counts[outcome] for outcome in Outcome}


def _with_margin(seconds: float, least: int) -> int:
    return max(least, math.ceil(MARGIN * seconds))
