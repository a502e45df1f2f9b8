"""The base class of the sensor and the run operators: judges a flow run once it has ended, and reports it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.services import with_values
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.links import keep_of_failure, page_address
from airflow_provider_payments.versions import outlet_events

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.runs.flow_parts import FlowParts, Names
    from airflow_provider_payments.aep.runs.flow_run import FlowRun
    from airflow_provider_payments.aep.runs.route import Route
    from airflow_provider_payments.aep.runs.row_samples import FrequentCodes
    from airflow_provider_payments.lineage import Lineage
    from airflow_provider_payments.outcomes import Rejection, RunLog, Tolerance

__all__ = ["JudgesFlowRuns"]

#: Minimum time for a poll, even after the timeout: the run may have ended in time.
MIN_POLL_SECONDS = 5.0
#: Key of the XCom that a task pushes before a flow run fails it.
FAILED_RUN_KEY = "flow_run"
#: Maximum time for reading the route, and again for its tables; the run's outcome is known by then.
MAX_REPORT_SECONDS = 30.0


class JudgesFlowRuns:
    """
    A task that judges an ended flow run: it logs the run, emits metrics, and fills XComs, outlet events and lineage.

    :meta private:
    """

    aep_conn_id: str
    accept_partial: bool | str
    max_failed_ratio: float | str | None
    unknown_counts: str
    log: Any
    outlets: list[Any]
    #: The dataflow, if a poll or a request has read it.
    _flow: FlowParts | None = None
    #: The route in a tuple, once it has been requested; ``(None,)`` if it could not be read.
    _route: tuple[Route | None] | None = None
    _lineage: Lineage | None = None

    @cached_property
    def hook(self) -> ExperiencePlatformHook:
        """The hook; it reads the connection when it is first used."""
        return ExperiencePlatformHook(self.aep_conn_id)

    @cached_property
    def run_log(self) -> RunLog:
        """The log of the run's status changes."""
        from airflow_provider_payments.outcomes import RunLog  # not imported when a DAG is parsed

        return RunLog(self.log)

    def _tolerance(self) -> Tolerance:
        """
        Return the failed records that the task's arguments accept.

        :raises InvalidInputError: naming the argument that is wrong.
        """
        from airflow_provider_payments.outcomes import Tolerance

        return Tolerance.read(self.accept_partial, self.max_failed_ratio, self.unknown_counts)

    def _ended_run(self, event: object, timed_out: type[Exception]) -> FlowRun:
        """Return the ended run of a trigger's event, see :func:`.ended_run`; keep the event's dataflow."""
        from airflow_provider_payments.aep.readers import at
        from airflow_provider_payments.aep.runs.flow_parts import FlowParts
        from airflow_provider_payments.outcomes import ended_run

        self._flow = FlowParts.from_json(at(event, "flow"))
        return ended_run(event, timed_out)

    def _conclude(
        self, run: FlowRun, context: Context, *, counts: bool = True, more: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """
        Judge a run that has ended, report it, and return the task's output.

        :param counts: whether to emit metrics. Not if another task started the run, because that task emits them.
        :param more: members of the output in addition to the run's summary.
        :raises FlowRunFailedError: if the run failed, more of its records failed than are accepted, or its counts are
            unknown.
        """
        from airflow_provider_payments.aep.runs.row_samples import reported_codes
        from airflow_provider_payments.outcomes import emit_metrics, log_outcome

        rejection = self._tolerance().rejection(run)
        self._lineage = self._read_lineage(run)
        if rejection:
            self._route_of(run)
        names = self._names_of(run, context)
        log_outcome(run, names, self.log)
        if counts:
            emit_metrics(run, names)
        if rejection:
            codes = reported_codes(run) or self._sampled_codes(run)
            self._push_failed(rejection, codes, names, context)
            raise rejection.error(codes)
        return self._report(run, context, more or {})

    def _report(self, run: FlowRun, context: Context, more: dict[str, Any]) -> dict[str, Any]:
        """Return the task's output: the run's summary, names and ``more``; put it into the events of the outlets."""
        output = with_values(run.summary()) | self._names_of(run, context).to_json() | more
        self._fill_events(run, output, context)
        return output

    def _sampled_codes(self, run: FlowRun) -> FrequentCodes | None:
        """Return the most frequent codes among samples of a run's failed records; a failure to read them is logged."""
        from airflow_provider_payments.aep.runs.row_samples import sampled_codes

        try:
            return sampled_codes(self.hook.client, run)
        except Exception as error:  # the run is judged already: an error here must not replace the run's own
            self.log.info("Could not read samples of the failed records: %s", error)
            return None

    def _push_failed(self, rejection: Rejection, codes: FrequentCodes | None, names: Names, context: Context) -> None:
        """Push the XCom about a run that fails its task, for callbacks, dashboards and later tasks."""
        from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
        from airflow_provider_payments.assets.events import join_lists

        run, route = rejection.run, self._route_of(rejection.run)
        members = join_lists(run.summary()) | names.to_json()
        members |= {"reason": rejection.reason, "codes": codes.text if codes else None}
        if route:
            page = page_address(route.url, route.sandbox, DATAFLOW.page, run.flow_id)
            members |= {"sandbox": route.sandbox, "org_id": route.org_id, "page": page}
        known = {name: value for name, value in members.items() if value not in (None, "")}
        keep_of_failure(context, FAILED_RUN_KEY, known, self.log)

    # ---- names, and events of outlets --------------------------------------------------------------------------------

    def _outlets_of(self, context: Context) -> list[Any]:
        """Return the outlets whose events report a run."""
        if not self.outlets or outlet_events(context) is None:
            return []
        from airflow_provider_payments.assets.events import dataset_outlets

        return dataset_outlets(self.outlets)

    def _fill_events(self, run: FlowRun, output: dict[str, Any], context: Context) -> None:
        """Put a run's output into the events of the outlets; a failure is only logged."""
        if not (outlets := self._outlets_of(context)):
            return
        from airflow_provider_payments.assets.events import fill_events

        events, route = outlet_events(context), self._route_of(run)
        try:
            fill_events(run, output, outlets=outlets, events=events, route=route, log=self.log)
        except Exception as error:  # the rows have arrived, so the task succeeds in any case
            self.log.warning("Could not fill the events of the outlets: %s", error)

    def _names_of(self, run: FlowRun, context: Context) -> Names:
        """Return the known names of a run's dataflow and dataset; missing names are read only if there are outlets."""
        from airflow_provider_payments.aep.runs.flow_parts import Names

        if self._outlets_of(context):
            self._route_of(run)
        if self._route and self._route[0]:
            return self._route[0].names
        return Names(run.flow_id, self._flow.name if self._flow and self._flow.id == run.flow_id else None)

    def _route_of(self, run: FlowRun) -> Route | None:
        """Return the route of a run's dataflow, read once; ``None`` if it cannot be read."""
        from airflow_provider_payments.aep.runs.route import read_route

        if self._route is None:
            text = "Could not read where dataflow %s writes to: %s"
            try:
                client = self.hook.client
                with client.transport.within(MAX_REPORT_SECONDS):
                    route = read_route(client, run.flow_id, self._flow)
                for problem in route.problems:
                    self.log.warning(text, run.flow_id, problem)
                self._route = (route,)
            except Exception as error:  # the run has ended: only its report may be incomplete
                self.log.warning(text, run.flow_id, error)
                self._route = (None,)
        return self._route[0]

    # ---- OpenLineage -------------------------------------------------------------------------------------------------

    def _read_lineage(self, run: FlowRun) -> Lineage | None:
        """Return the lineage of a run that has ended; ``None`` if OpenLineage is not active or nothing is known."""
        from airflow_provider_payments import lineage

        try:
            if not lineage.is_active() or (route := self._route_of(run)) is None:
                return None
            from airflow_provider_payments.aep.runs.route import read_tables

            client = self.hook.client
            with client.transport.within(MAX_REPORT_SECONDS):
                tables = read_tables(client, route)
            for problem in tables.problems:
                self.log.warning("Could not read a part of the lineage of dataflow %s: %s", run.flow_id, problem)
            return lineage.lineage_of(run, route, tables)
        except Exception as error:  # the run has ended: only its lineage may be missing
            self.log.warning("Could not report flow run %s to OpenLineage: %s", run.id, error)
            return None

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Lineage:
        """Return the lineage of the task's flow run when the task has ended, also after a deferral."""
        from airflow_provider_payments.lineage import no_lineage

        return self._lineage or no_lineage()

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> Lineage:
        """Return the same lineage when the task has failed."""
        return self.get_openlineage_facets_on_complete(task_instance)
