"""
The record counts of a flow run, from its ``recordSummary``.

A count that is absent, or is not a whole number from 0 on, is unknown. An unknown count is not zero, not even if all
counts are absent: Adobe's samples print a counted zero (``"failedRecordCount": 0``), and omit the counts in summaries
of activities that did read a file.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.aep.readers import count, mapping, shown

INPUT, OUTPUT, FAILED = "inputRecordCount", "outputRecordCount", "failedRecordCount"


def read_counts(summary: object) -> dict[str, Any]:
    """
    Return the count fields of :class:`~airflow_provider_payments.aep.runs.flow_run.FlowRun`; ``None`` is unknown.

    If the number of failed records is absent, it is the difference between the records read and written.
    """
    given = mapping(summary)
    counts = {name: count(given.get(name)) for name in (INPUT, OUTPUT, FAILED)}
    read, written = counts[INPUT], counts[OUTPUT]
    if FAILED not in given and read is not None and written is not None and read >= written:
        counts[FAILED] = read - written
    unknown = [name for name, found in counts.items() if found is None]
    return {
        "input_records": read,
        "output_records": written,
        "failed_records": counts[FAILED],
        "unknown_counts": ", ".join(f"{n}={shown(given[n])}" if n in given else f"{n} is absent" for n in unknown),
    }
