"""
Change dataflows only after a user has approved the plan.

The first task compares the definitions in the folder ``dataflows`` with the sandbox. If the plan contains changes, it
is shown under *Required Actions* in Airflow's web page, and the DAG waits, without a worker, for a user's answer. After
the approval one task applies all definitions, but only this plan: the task fails if the plan has changed meanwhile.
Then a sensor for each dataflow waits for its flow run. If the plan is rejected or contains no changes, all further
tasks are skipped.

Approvals require Airflow 3.1 or later. In earlier versions this DAG only plans; apply the plan with ``payments apply
--expect DIGEST``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_payments.operators.definitions import ApplyDataflowsOperator, PlanDataflowsOperator
from airflow_provider_payments.sensors.flow_run import FlowRunSensor
from airflow_provider_payments.versions import has_approvals

# Airflow's page renders Markdown, but joins the lines of a code block. So each line is a code span of its own, indented
# by non-breaking spaces.
SHOWN_PLAN = (
    "{% for line in ti.xcom_pull(task_ids='plan', key='text').splitlines() %}"
    "{{ '`' ~ line.replace('  ', '\u00a0\u00a0') ~ '`  ' if line else '' }}\n"
    "{% endfor %}"
)

with DAG(
    dag_id="payments_with_approval",
    description="Plan, wait for approval, apply exactly that plan",
    schedule=None,
    catchup=False,
    tags=["payments", "adobe experience platform", "definitions"],
    doc_md=__doc__,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
) as dag:
    plan = PlanDataflowsOperator(task_id="plan", definition="dataflows")

    if has_approvals():
        from airflow.providers.standard.operators.hitl import ApprovalOperator

        @task.short_circuit
        def is_something_to_do(changed: list[str]) -> bool:
            """Return whether the plan contains changes; otherwise no approval is requested."""
            return bool(changed)

        @task
        def dataflows(applied: dict) -> list[dict]:
            """Return the arguments of the sensor for each dataflow."""
            return [
                {"flow_id": each["flow_id"], "since": each["runs_since"]} for each in applied["definitions"].values()
            ]

        approve = ApprovalOperator(
            task_id="approve",
            subject="Apply this plan to Experience Platform?",
            body=SHOWN_PLAN,
        )
        apply = ApplyDataflowsOperator(task_id="apply", definition="dataflows", expect=plan.output["digest"])
        wait = FlowRunSensor.partial(
            task_id="wait_for_flow_run",
            pick="latest",
            max_failed_ratio=0.05,
            deferrable=True,
            poke_interval=10,
            timeout=2 * 60 * 60,
        ).expand_kwargs(dataflows(apply.output))
        is_something_to_do(plan.output["changed"]) >> approve >> apply >> wait
