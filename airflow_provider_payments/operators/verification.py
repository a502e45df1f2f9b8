"""The operator that verifies, in a sandbox, that the platform behaves as this package assumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.base import ExperiencePlatformOperator
from airflow_provider_payments.operators.checking import as_ending, end_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

__all__ = ["VerifySandboxOperator"]


class VerifySandboxOperator(ExperiencePlatformOperator):
    """
    Verify in a sandbox that the platform behaves as this package assumes, like the command ``payments verify``.

    The task creates a few objects of its own, and deletes them at its end; the next try deletes the objects that a
    killed try has left. It logs the objects that it will create, the report, and each contradiction as a warning.
    Returns :class:`~airflow_provider_payments.operators.outputs.VerifiedSandbox`; a task that fails or skips pushes it
    as well. Run only one verification at a time in a sandbox, because another one would delete its objects.

    .. seealso:: ``docs/verify.md#in-a-dag`` in the manual.

    :param sandbox: the name of the connection's sandbox, repeated as a confirmation. (templated)
    :param allow_production: whether to accept a sandbox whose type is not ``development``. Defaults to ``False``.
        (templated)
    :param base_connection_id: id of an existing base connection, for checks of sources and dataflows. Defaults to
        ``None``. (templated)
    :param vendor_conn_id: instead of ``base_connection_id``: id of a vendor's Airflow connection, with which base
        connections are created. Defaults to ``None``. (templated)
    :param source: the source of ``vendor_conn_id``: ``paypal``, ``square`` or ``stripe``. Defaults to ``None``.
        (templated)
    :param only: ids of checks, or topics such as ``dataset``. Defaults to ``None``: all checks. (templated)
    :param ingest: whether to ingest rows, into a dataset that the task creates. Defaults to ``False``. (templated)
    :param quick: whether to create one object of each kind instead of three. Defaults to ``False``. (templated)
    :param on_contradicted: what to do if the sandbox contradicts an assumption: ``report`` returns the report, ``fail``
        fails the task without a retry, ``skip`` skips the task. Defaults to ``"report"``. (templated)
    :param aep_conn_id: id of the Airflow connection to Experience Platform. Defaults to ``"aep_default"``. (templated)
    """

    template_fields: Sequence[str] = (
        *ExperiencePlatformOperator.template_fields,
        "sandbox",
        "allow_production",
        "base_connection_id",
        "vendor_conn_id",
        "source",
        "only",
        "ingest",
        "quick",
        "on_contradicted",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"only": "json"}

    def __init__(
        self,
        *,
        sandbox: str,
        allow_production: bool | str = False,
        base_connection_id: str | None = None,
        vendor_conn_id: str | None = None,
        source: str | None = None,
        only: Sequence[str] | str | None = None,
        ingest: bool | str = False,
        quick: bool | str = False,
        on_contradicted: Literal["report", "fail", "skip"] | str = "report",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sandbox = sandbox
        self.allow_production = allow_production
        self.base_connection_id = base_connection_id
        self.vendor_conn_id = vendor_conn_id
        self.source = source
        self.only = only
        self.ingest = ingest
        self.quick = quick
        self.on_contradicted = on_contradicted

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Run the checks, delete the created objects, and return the report.

        :raises ExperiencePlatformFailedError: if an argument is wrong, or the sandbox contradicts an assumption and
            ``on_contradicted`` is ``fail``.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        :raises AirflowSkipException: if the sandbox contradicts an assumption and ``on_contradicted`` is ``skip``.
        """
        from airflow_provider_payments.aep.verification.options import read_options
        from airflow_provider_payments.aep.verification.report import report_text, summary_line
        from airflow_provider_payments.aep.verification.verify import verify

        with airflow_errors():
            ending = as_ending("on_contradicted", self.on_contradicted)
            given = {name: getattr(self, name) for name in self.template_fields}
            options = read_options(given, ExperiencePlatformHook.vendor_credential)
            report = verify(self.hook.client, options, self.log.info)
        text = report_text(report)
        self.log.info("Verified sandbox %s\n%s", options.sandbox, text)
        for check in report.contradicted:
            self.log.warning("The sandbox contradicts an assumption: %s: %s", check.id, check.assumption)
        found = {
            "report": report.to_json(),
            "text": text,
            "contradicted": [check.id for check in report.contradicted],
            "recommended": report.recommended,
        }
        message = f"{summary_line(report)} The task's log shows the report"
        return end_task(context, ending, found, message) if report.contradicted else found
