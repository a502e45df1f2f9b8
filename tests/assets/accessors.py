"""Airflow's accessors of outlet events, which depend on the version."""

from __future__ import annotations

from typing import Any


def outlet_events() -> Any:
    """Return the accessors that a task gets."""
    try:
        from airflow.sdk.execution_time.context import OutletEventAccessors
    except ImportError:  # Airflow 2
        from airflow.utils.context import OutletEventAccessors  # type: ignore[no-redef,import-not-found,unused-ignore]
    return OutletEventAccessors()


def alias_events(accessor: Any) -> dict[str, dict[str, Any]]:
    """Return the extra of each of an alias's events, by URI."""
    try:
        events = accessor.asset_alias_events
    except AttributeError:  # Airflow 2
        return {event["dest_dataset_uri"]: event["extra"] for event in accessor.dataset_alias_events}
    return {event.dest_asset_key.uri: event.extra for event in events}


def as_said(returned: dict[str, Any]) -> dict[str, Any]:
    """Return a task's output in the form of an event's extra."""
    return returned | {"batch_ids": ",".join(returned["batch_ids"])}
