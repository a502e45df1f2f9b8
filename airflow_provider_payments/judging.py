"""What the sensor and the run operators share: they judge a flow run once it has ended, and report it."""

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

#: Seconds that a poll may take though the timeout has passed: the run may have ended in time.
LAST_POLL_SECONDS = 5.0
#: The XCom that a task pushes before it fails for a run.
FAILED_RUN_KEY = "flow_run"
#: Seconds in which a task reads where rows come from and go to, for what it reports; its outcome is known by then.
MAX_REPORT_SECONDS = 30.0


class JudgesFlowRuns:
    """
    The hook, the arguments that say how many records may fail, the run's lines in the log, and the outlets' events.

    :meta private:
    """

    aep_conn_id: str
    accept_partial: bool | str
    max_failed_ratio: float | str | None
    unknown_counts: str
    log: Any
    outlets: list[Any]
    #: The dataflow, where a poll or a request has shown it.
    _flow: FlowParts | None = None
    #: Read once; it holds ``None`` if it could not be read.
    _route: tuple[Route | None] | None = None
    _lineage: Lineage | None = None

    @cached_property
    def hook(self) -> ExperiencePlatformHook:
        """The hook; reads the connection with its first use."""
        return ExperiencePlatformHook(self.aep_conn_id)

    @cached_property
    def run_log(self) -> RunLog:
        """The run's lines in the task's log."""
        from airflow_provider_payments.outcomes import RunLog  # loaded with the task, not when a DAG is parsed

        return RunLog(self.log)

    def _tolerance(self) -> Tolerance:
        """
        Return how many records may fail.

        :raises InvalidInputError: naming the argument that is wrong.
        """
        from airflow_provider_payments.outcomes import Tolerance

        return Tolerance.read(self.accept_partial, self.max_failed_ratio, self.unknown_counts)

    def _ended_run(self, event: object, timed_out: type[Exception]) -> FlowRun:
        """Return the ended run of a trigger's event as :func:`.ended_run` does; note the dataflow that it carries."""
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

        :param counts: whether to emit metrics; if the run is another task's, that one does.
        :param more: outputs beside the run's summary.
        :raises FlowRunFailedError: if the run failed, lost more records than accepted, or its counts are unknown.
        """
        from airflow_provider_payments.aep.runs.row_samples import own_codes
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
            codes = own_codes(run) or self._sampled_codes(run)
            self._push_failed(rejection, codes, names, context)
            raise rejection.error(codes)
        return self._report(run, context, more or {})

    def _report(self, run: FlowRun, context: Context, more: dict[str, Any]) -> dict[str, Any]:
        """Return the task's output: the run's summary, its names and more; put it into the events of the outlets."""
        output = with_values(run.summary()) | self._names_of(run, context).to_json() | more
        self._announce(run, output, context)
        return output

    def _sampled_codes(self, run: FlowRun) -> FrequentCodes | None:
        """Return what samples say of a run's failed records. It makes an error clearer, and never another one."""
        from airflow_provider_payments.aep.runs.row_samples import sampled_codes

        try:
            return sampled_codes(self.hook.client, run)
        except Exception as error:  # the run has been judged, whatever this may be
            self.log.info("There are no samples of the failed records: %s", error)
            return None

    def _push_failed(self, rejection: Rejection, codes: FrequentCodes | None, names: Names, context: Context) -> None:
        """Push what callbacks, dashboards and later tasks learn of a run that fails its task."""
        from airflow_provider_payments.aep.resources.dataflow import DATAFLOW
        from airflow_provider_payments.assets.events import flat

        run, route = rejection.run, self._route_of(rejection.run)
        said = flat(run.summary()) | names.to_json()
        said |= {"reason": rejection.reason, "codes": codes.text if codes else None}
        if route:
            page = page_address(route.url, route.sandbox, DATAFLOW.page, run.flow_id)
            said |= {"sandbox": route.sandbox, "org_id": route.org_id, "page": page}
        known = {name: value for name, value in said.items() if value not in (None, "")}
        keep_of_failure(context, FAILED_RUN_KEY, known, self.log)

    # ---- names, and events of outlets --------------------------------------------------------------------------------

    def _outlets_of(self, context: Context) -> list[Any]:
        """Return the outlets whose events say what a run has moved."""
        if not self.outlets or outlet_events(context) is None:
            return []
        from airflow_provider_payments.assets.events import dataset_outlets

        return dataset_outlets(self.outlets)

    def _announce(self, run: FlowRun, output: dict[str, Any], context: Context) -> None:
        """Say in the events of the outlets what the run has moved; whatever fails, the task's outcome stays."""
        if not (outlets := self._outlets_of(context)):
            return
        from airflow_provider_payments.assets.events import announce

        events, route = outlet_events(context), self._route_of(run)
        try:
            announce(run, output, outlets=outlets, events=events, route=route, log=self.log)
        except Exception as error:  # whatever it is, the rows have arrived
            self.log.warning("Could not fill the events of the outlets: %s", error)

    def _names_of(self, run: FlowRun, context: Context) -> Names:
        """Return what is known of the names of a run's dataflow and dataset; they are read only for outlets."""
        from airflow_provider_payments.aep.runs.flow_parts import Names

        if self._outlets_of(context):
            self._route_of(run)
        if self._route and self._route[0]:
            return self._route[0].names
        return Names(run.flow_id, self._flow.name if self._flow and self._flow.id == run.flow_id else None)

    def _route_of(self, run: FlowRun) -> Route | None:
        """Return where the rows of a run's dataflow come from and go to, read once; ``None`` if it cannot be read."""
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
            except Exception as error:  # whatever it is, the run has ended
                self.log.warning(text, run.flow_id, error)
                self._route = (None,)
        return self._route[0]

    # ---- OpenLineage -------------------------------------------------------------------------------------------------

    def _read_lineage(self, run: FlowRun) -> Lineage | None:
        """Return what OpenLineage learns of a run that has ended; ``None`` where it is not active, or nothing known."""
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
        except Exception as error:  # whatever it is, the run has ended
            self.log.warning("Could not tell OpenLineage of flow run %s: %s", run.id, error)
            return None

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Lineage:
        """Return what OpenLineage learns when the task has ended, also after a deferral."""
        from airflow_provider_payments.lineage import no_lineage

        return self._lineage or no_lineage()

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> Lineage:
        """Return what it learns when the task has failed: of a failed run the same."""
        return self.get_openlineage_facets_on_complete(task_instance)
