"""
How many records a flow run moved, as its ``recordSummary`` says.

A count that is absent, or no whole number from 0 on, is unknown. Unknown is not zero, not even where all counts are
absent: Adobe's samples print a zero where one was counted (``"failedRecordCount": 0``), and leave the counts out of the
summaries of activities that did read a file.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.aep.readers import count, mapping, shown

INPUT, OUTPUT, FAILED = "inputRecordCount", "outputRecordCount", "failedRecordCount"


def read_counts(summary: object) -> dict[str, Any]:
    """
    Return the counts as :class:`~airflow_provider_payments.aep.runs.flow_run.FlowRun` holds them; ``None``: unknown.

    An absent number of failed records is what came in and did not go out.
    """
    given = mapping(summary)
    counts = {name: count(given.get(name)) for name in (INPUT, OUTPUT, FAILED)}
    came, went = counts[INPUT], counts[OUTPUT]
    if FAILED not in given and came is not None and went is not None and came >= went:
        counts[FAILED] = came - went
    unknown = [name for name, found in counts.items() if found is None]
    return {
        "input_records": came,
        "output_records": went,
        "failed_records": counts[FAILED],
        "unknown_counts": ", ".join(f"{n}={shown(given[n])}" if n in given else f"{n} is absent" for n in unknown),
    }
