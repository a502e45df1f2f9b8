"""The report of a verification, as text and as JSON. It contains no data of the tenant: no id, name or token."""

from __future__ import annotations

import math
from collections import Counter
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import attrs

from airflow_provider_payments import __version__
from airflow_provider_payments.aep.verification.findings import Finding, Outcome
from airflow_provider_payments.aep.verification.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_payments.aep.services import Json
    from airflow_provider_payments.aep.verification.checks import Check

__all__ = ["REPORT_FORMAT", "Report", "report_rows", "report_text", "summary_line"]

#: Version of the JSON form, incremented if a member changes its meaning.
REPORT_FORMAT = 1
#: The recommended settle time divided by the longest one measured: three objects do not represent a bad day.
SAFETY_FACTOR = 3
#: Minimum recommended settle times in seconds.
MIN_SETTLE_SECONDS, MIN_DATAFLOW_SETTLE_SECONDS = 5, 20
#: The outcomes in the order in which the report's rows are sorted.
OUTCOME_ORDER = (Outcome.CONTRADICTED, Outcome.CONFIRMED, Outcome.NOT_TRIED)
#: Columns of the text, and the indentation of the lines below a check.
WIDTH, INDENT = 100, " " * 4


@attrs.frozen
class Report:
    """
    The report of a verification.

    :param findings: the selected checks with their findings.
    :param quick: whether only one object of each kind was created.
    :param ingest: whether ingesting rows was permitted.
    :param day: the date of the verification in ISO format, in UTC by the platform's clock.
    :param requests: number of requests, not counting those for tokens.
    :param left: the kind of each object that could not be deleted.
    """

    findings: Sequence[tuple[Check, Finding]]
    quick: bool
    ingest: bool
    day: str
    requests: int
    left: Sequence[str]

    @property
    def contradicted(self) -> list[Check]:
        """The checks whose assumptions are contradicted."""
        return [check for check, _ in _with_outcome(self, Outcome.CONTRADICTED)]

    @property
    def recommended(self) -> Json:
        """The recommended settle times for the Airflow connection's extra; only those that were measured."""
        found = {check.id: finding for check, finding in self.findings if finding.outcome is not Outcome.NOT_TRIED}
        longest: dict[str, Any] = {
            topic: found[f"{topic}.listed"].seen.get("maximum")
            for topic in (*KINDS, "flow_run")
            if f"{topic}.listed" in found
        }
        if None in longest.values():
            return {}
        # The client searches for a requested flow run within the settle time of dataflows, too.
        slow = [longest.pop(topic) for topic in ("dataflow", "flow_run") if topic in longest]
        others = {"settle_seconds": _recommended_seconds(max(longest.values()), MIN_SETTLE_SECONDS)} if longest else {}
        if not slow:
            return others
        return others | {"dataflow_settle_seconds": _recommended_seconds(max(slow), MIN_DATAFLOW_SETTLE_SECONDS)}

    def to_json(self) -> Json:
        """Return the report as plain JSON, which :func:`~.report_schema.report_schema` describes."""
        return {
            "format": REPORT_FORMAT,
            "provider": __version__,
            "day": self.day,
            "quick": self.quick,
            "ingest": self.ingest,
            "requests": self.requests,
            "summary": {str(outcome): count for outcome, count in _counts(self).items()},
            "checks": [_check_json(check, finding) for check, finding in self.findings],
            "left": dict(Counter(self.left)),
            "recommended": self.recommended,
        }


def report_rows(report: Report) -> list[dict[str, str]]:
    """Return a row for each check; contradicted checks come first."""
    return [
        {"outcome": str(found.outcome), "check": check.id, "assumption": check.assumption, "seen": seen_text(found)}
        for outcome in OUTCOME_ORDER
        for check, found in _with_outcome(report, outcome)
    ]


def report_text(report: Report) -> str:
    """Return the report as text: contradicted checks first, then the others, remaining objects and settle times."""
    lines = [*_contradicted(report), *_confirmed(report), *_not_tried(report)]
    if report.left:
        remaining = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in Counter(report.left).items())
        lines += ["", f"Not deleted by the services: {remaining}"]
    if report.recommended:
        extra = ", ".join(f'"{name}": {seconds}' for name, seconds in report.recommended.items())
        lines += ["", f"Recommended in the connection's extra: {extra}"]
    return "\n".join([*lines, "", summary_line(report)]).lstrip("\n")


def summary_line(report: Report) -> str:
    """Return the number of checks with each outcome, and the number of requests, in one line."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in _counts(report).items())
    return f"Verify: {counts}; {report.requests} requests."


def seen_text(finding: Finding) -> str:
    """Return the observations of a finding in one line, or the reason if the check was not tried."""
    return finding.reason or ", ".join(
        f"{name.replace('_', ' ')}: {_value_text(value)}" for name, value in finding.seen.items()
    )


def _with_outcome(report: Report, outcome: Outcome) -> list[tuple[Check, Finding]]:
    return [(check, found) for check, found in report.findings if found.outcome is outcome]


def _contradicted(report: Report) -> Iterator[str]:
    for check, found in _with_outcome(report, Outcome.CONTRADICTED):
        yield from ("", f"CONTRADICTED  {check.id}")
        for line in (check.assumption, f"Seen: {seen_text(found)}", f"Relied on: {check.source}"):
            yield from _wrapped(line, INDENT, INDENT)


def _confirmed(report: Report) -> Iterator[str]:
    found = _with_outcome(report, Outcome.CONFIRMED)
    width = max(len(text) for text in ("CONFIRMED", *(check.id for check, _ in found)))
    if found:
        yield from ("", f"{'CONFIRMED':<{width}}  SEEN")
    for check, finding in found:
        first_indent = f"{check.id:<{width}}  "
        yield from _wrapped(seen_text(finding), first_indent, " " * len(first_indent)) or [check.id]


def _not_tried(report: Report) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for check, finding in _with_outcome(report, Outcome.NOT_TRIED):
        reasons.setdefault(finding.reason, []).append(check.id)
    if reasons:
        yield from ("", "NOT TRIED")
    for reason, ids in reasons.items():
        yield from _wrapped(f"{reason}: {', '.join(ids)}", INDENT, INDENT * 2)


def _wrapped(text: str, first_indent: str, other_indent: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=first_indent, subsequent_indent=other_indent, break_on_hyphens=False)


def _value_text(value: object) -> str:
    return "none" if value in (None, "") else str(value).lower() if isinstance(value, bool) else str(value)


def _check_json(check: Check, finding: Finding) -> Json:
    reason = {"reason": finding.reason} if finding.reason else {}
    shown = {"id": check.id, "assumption": check.assumption, "outcome": str(finding.outcome), "seen": finding.seen}
    return shown | reason


def _counts(report: Report) -> dict[Outcome, int]:
    counts = Counter(finding.outcome for _, finding in report.findings)
    return {outcome: counts[outcome] for outcome in Outcome}


def _recommended_seconds(seconds: float, minimum: int) -> int:
    return max(minimum, math.ceil(SAFETY_FACTOR * seconds))
