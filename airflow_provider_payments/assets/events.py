"""The outlet events of a task, which report the rows that a flow run ingested into a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.runs.data_window import Window
from airflow_provider_payments.aep.runs.flow_run import Status
from airflow_provider_payments.assets.experience_platform import SCHEME, dataset_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_payments.aep.runs.flow_run import FlowRun
    from airflow_provider_payments.aep.runs.route import Route

__all__ = ["dataset_outlets", "fill_events", "join_lists", "uri_of"]


@dataclass(frozen=True)
class Arrival:
    """
    The rows that a flow run ingested into a dataset.

    :param uri: the dataset's URI; ``None`` if it could not be read.
    :param extra: the extra of an event: text, numbers and booleans.
    :param has_landed: whether the rows are in the dataset; not if the task did not wait for the run's end.
    """

    uri: str | None
    extra: dict[str, Any]
    has_landed: bool

    def fill(self, events: Any, outlets: Iterable[Any]) -> list[str]:
        """
        Fill the events of the dataset's own asset, and of aliases, which then stand for that asset.

        If the dataset could not be read, each asset among the outlets is assumed to be the dataset. Airflow emits an
        asset's event whenever the task succeeds, but an alias's only if it is filled, so an alias is filled only once
        the rows have arrived.

        :param events: Airflow's events of the task's outlets.
        :param outlets: the outlets to fill.
        :return: the URIs of other datasets among the outlets.
        """
        from airflow.providers.common.compat.sdk import Asset, AssetAlias

        others = []
        for outlet in outlets:
            if isinstance(outlet, AssetAlias):
                if self.uri and self.has_landed:
                    events[outlet].add(Asset(uri=self.uri), extra=self.extra)
            elif self.uri in (None, outlet.uri):
                events[outlet].extra.update(self.extra)
            else:
                others.append(outlet.uri)
        return others


def dataset_outlets(outlets: Iterable[Any]) -> list[Any]:
    """Return the outlets that are datasets of Experience Platform, and all aliases, which may become one."""
    from airflow.providers.common.compat.sdk import AssetAlias

    own = f"{SCHEME}://"
    return [each for each in outlets if isinstance(each, AssetAlias) or str(getattr(each, "uri", "")).startswith(own)]


def fill_events(
    run: FlowRun,
    output: dict[str, Any],
    *,
    outlets: Sequence[Any],
    events: Any,
    route: Route | None,
    log: Any,
) -> None:
    """
    Fill the events of a task's outlets with a flow run's output and data window.

    :param run: the run.
    :param output: the task's output.
    :param outlets: the outlets that :func:`dataset_outlets` returns.
    :param events: Airflow's events of the task's outlets.
    :param route: the dataflow and its dataset; ``None`` if it could not be read.
    :param log: the task's logger.
    """
    window = Window.of(run)
    arrival = Arrival(
        uri=uri_of(route) if route else None,
        extra=(window.to_json() if window else {}) | join_lists(output),
        has_landed=run.status in (Status.SUCCEEDED, Status.PARTIAL),
    )
    if others := arrival.fill(events, outlets):
        text = "Dataflow %s writes to %s; the events of other outlets carry no counts: %s"
        log.warning(text, run.flow_id, arrival.uri, ", ".join(others))


def uri_of(route: Route) -> str | None:
    """Return the URI of the dataset that a dataflow writes to; ``None`` if the service does not show it."""
    return dataset_uri(route.org_id, route.sandbox, route.dataset_id) if route.dataset_id else None


def join_lists(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output with its lists joined to text: Airflow 2.11 and 3.0 reject lists in the event of an alias."""
    return {name: ",".join(value) if isinstance(value, list) else value for name, value in output.items()}
