"""What a verification found, as people and programs read it. It holds nothing of the tenant: no id, name or token."""

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

#: Raised when a member of the JSON form changes its meaning.
REPORT_FORMAT = 1
#: The factor between the longest time that was measured and the recommended one: three objects show no bad day.
MARGIN = 3
#: Seconds that are recommended at least.
MIN_SETTLE_SECONDS, MIN_DATAFLOW_SETTLE_SECONDS = 5, 20
#: The outcomes in the order in which they are shown.
SHOWN = (Outcome.CONTRADICTED, Outcome.CONFIRMED, Outcome.NOT_TRIED)
#: Columns of the text, and what stands before the lines below a check.
WIDTH, INDENT = 100, " " * 4


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
    def contradicted(self) -> list[Check]:
        """The checks whose assumptions do not hold."""
        return [check for check, _ in _of(self, Outcome.CONTRADICTED)]

    @property
    def recommended(self) -> Json:
        """The settle times of the Airflow connection's extra; without those that were not measured."""
        found = {check.id: finding for check, finding in self.findings if finding.outcome is not Outcome.NOT_TRIED}
        longest: dict[str, Any] = {
            topic: found[f"{topic}.listed"].seen.get("maximum")
            for topic in (*KINDS, "flow_run")
            if f"{topic}.listed" in found
        }
        if None in longest.values():
            return {}
        # A flow run that was asked for, too, is looked for within the settle time of dataflows.
        slow = [longest.pop(topic) for topic in ("dataflow", "flow_run") if topic in longest]
        others = {"settle_seconds": _with_margin(max(longest.values()), MIN_SETTLE_SECONDS)} if longest else {}
        if not slow:
            return others
        return others | {"dataflow_settle_seconds": _with_margin(max(slow), MIN_DATAFLOW_SETTLE_SECONDS)}

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
    return [
        {"outcome": str(found.outcome), "check": check.id, "assumption": check.assumption, "seen": said(found)}
        for outcome in SHOWN
        for check, found in _of(report, outcome)
    ]


def report_text(report: Report) -> str:
    """Return what people read: contradictions first, each with its assumption; what stays; the recommended extra."""
    lines = [*_contradicted(report), *_confirmed(report), *_not_tried(report)]
    if report.left:
        kept = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in Counter(report.left).items())
        lines += ["", f"Kept by the services: {kept}"]
    if report.recommended:
        extra = ", ".join(f'"{name}": {seconds}' for name, seconds in report.recommended.items())
        lines += ["", f"Recommended in the connection's extra: {extra}"]
    return "\n".join([*lines, "", summary_line(report)]).lstrip("\n")


def summary_line(report: Report) -> str:
    """Return how many checks ended how."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in _counts(report).items())
    return f"Verify: {counts}; {report.requests} requests."


def said(finding: Finding) -> str:
    """Return what was seen in one line."""
    return finding.reason or ", ".join(
        f"{name.replace('_', ' ')}: {_word(value)}" for name, value in finding.seen.items()
    )


def _of(report: Report, outcome: Outcome) -> list[tuple[Check, Finding]]:
    return [(check, found) for check, found in report.findings if found.outcome is outcome]


def _contradicted(report: Report) -> Iterator[str]:
    for check, found in _of(report, Outcome.CONTRADICTED):
        yield from ("", f"CONTRADICTED  {check.id}")
        for line in (check.assumption, f"Seen: {said(found)}", f"Relied on: {check.source}"):
            yield from _wrapped(line, INDENT, INDENT)


def _confirmed(report: Report) -> Iterator[str]:
    found = _of(report, Outcome.CONFIRMED)
    width = max(len(text) for text in ("CONFIRMED", *(check.id for check, _ in found)))
    if found:
        yield from ("", f"{'CONFIRMED':<{width}}  SEEN")
    for check, finding in found:
        first = f"{check.id:<{width}}  "
        yield from _wrapped(said(finding), first, " " * len(first)) or [check.id]


def _not_tried(report: Report) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for check, finding in _of(report, Outcome.NOT_TRIED):
        reasons.setdefault(finding.reason, []).append(check.id)
    if reasons:
        yield from ("", "NOT TRIED")
    for reason, ids in reasons.items():
        yield from _wrapped(f"{reason}: {', '.join(ids)}", INDENT, INDENT * 2)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


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
