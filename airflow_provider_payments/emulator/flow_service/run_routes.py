"""Operations on flow runs that change something."""

from __future__ import annotations

from airflow_provider_payments.emulator.exchange import Answer, Call, Routes
from airflow_provider_payments.emulator.flow_service import on_demand
from airflow_provider_payments.emulator.flow_service.connections import invalid
from airflow_provider_payments.emulator.flow_service.flow_runs import Run
from airflow_provider_payments.emulator.flow_service.patches import stale
from airflow_provider_payments.emulator.flow_service.payloads import body_of
from airflow_provider_payments.emulator.refusals import FlowRefusal

RE_TRIGGER = "re-trigger"


def create_run(call: Call) -> Answer:
    run = on_demand.create(call.sandbox, body_of(call))
    receipt = _receipt(run)
    # The interface's description shows the receipt itself, the tutorial shows it in a list: clients rely on either.
    location = {"Location": f"/data/foundation/flowservice/runs/{run.id}"}
    return Answer({**receipt, "items": [receipt]}, 201, location)


def act_on_run(call: Call) -> Answer:
    run = call.sandbox.flow_service.get("runs", call.params["id"])
    operation = call.first("op")
    if not operation:
        raise FlowRefusal("1359-400", "The query parameter 'op' is missing.")
    if operation.lower().replace("_", "-") != RE_TRIGGER:
        raise FlowRefusal("1401-400", f"The flow run action '{operation[:60]}' is not supported, only {RE_TRIGGER}.")
    if call.headers.get("if-match", run.etag) != run.etag:
        raise stale(call.headers["if-match"], run.etag)
    return Answer(_receipt(on_demand.retry(call.sandbox, run)))


def replace_run(call: Call) -> Answer:
    raise invalid("1427-400", "A user token is not authorised to write flow runs; their provider does.")


def _receipt(run: Run) -> dict[str, str]:
    return {"id": run.id, "etag": run.etag}


ROUTES: Routes = (
    ("POST", "/runs", create_run),
    ("PUT", "/runs/{id}", replace_run),
    ("POST", "/runs/{id}/action", act_on_run),
)
