"""What a flow run's end says in the events of the assets that a task has as outlets."""

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

__all__ = ["announce", "dataset_outlets", "flat", "uri_of"]


@dataclass(frozen=True)
class Arrival:
    """
    The rows of a flow run in a dataset.

    :param uri: the dataset's; ``None`` if it could not be read.
    :param extra: what an event says: text, numbers and booleans.
    :param has_landed: whether the rows have arrived; of a run that a task does not wait for they may not.
    """

    uri: str | None
    extra: dict[str, Any]
    has_landed: bool

    def fill(self, events: Any, outlets: Iterable[Any]) -> list[str]:
        """
        Put what an event says where it belongs: at the dataset's own asset, and at aliases, which become that asset.

        If the dataset could not be read, the outlets' word is taken for it. An alias gets nothing for rows that have
        not arrived: then Airflow emits no event for it. One of an asset is emitted whenever the task succeeds.

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
    """Return the outlets that are datasets of Experience Platform, or become one: aliases."""
    from airflow.providers.common.compat.sdk import AssetAlias

    own = f"{SCHEME}://"
    return [each for each in outlets if isinstance(each, AssetAlias) or str(getattr(each, "uri", "")).startswith(own)]


def announce(
    run: FlowRun,
    output: dict[str, Any],
    *,
    outlets: Sequence[Any],
    events: Any,
    route: Route | None,
    log: Any,
) -> None:
    """
    Say in the events of a task's outlets what a flow run has moved.

    :param run: the run.
    :param output: what the task returns.
    :param outlets: those that :func:`dataset_outlets` returns.
    :param events: what Airflow hands to the task for its outlets.
    :param route: where the dataflow's rows go to; ``None`` if it could not be read.
    :param log: the task's.
    """
    window = Window.of(run)
    arrival = Arrival(
        uri=uri_of(route) if route else None,
        extra=(window.to_json() if window else {}) | flat(output),
        has_landed=run.status in (Status.SUCCEEDED, Status.PARTIAL),
    )
    if others := arrival.fill(events, outlets):
        text = "Dataflow %s writes to %s; the events of other outlets carry no counts: %s"
        log.warning(text, run.flow_id, arrival.uri, ", ".join(others))


def uri_of(route: Route) -> str | None:
    """Return the URI of the dataset that a dataflow writes to; ``None`` if the service does not show it."""
    return dataset_uri(route.org_id, route.sandbox, route.dataset_id) if route.dataset_id else None


def flat(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output with text for lists: Airflow 2.11 and 3.0 fail a task on a list in the event of an alias."""
    return {name: ",".join(value) if isinstance(value, list) else value for name, value in output.items()}
