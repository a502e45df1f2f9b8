"""Flow Service's operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.exchange import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.flow_service import connections, ends, flows, run_routes
from airflow_provider_payments.emulator.flow_service.listing import page_of
from airflow_provider_payments.emulator.flow_service.payloads import body_of
from airflow_provider_payments.emulator.flow_service.shapes import KNOWN_FIELDS, SHAPES
from airflow_provider_payments.emulator.flow_service.specs import CONNECTION_SPECS, FLOW_SPECS
from airflow_provider_payments.emulator.flow_service.state import Resource, not_found
from airflow_provider_payments.emulator.refusals import FlowRefusal, Refusal
from airflow_provider_payments.emulator.store import Store
from airflow_provider_payments.emulator.world import Sandbox

_BASE = "/data/foundation/flowservice"


class _Spec:
    """A connection spec or flow spec in the form that lists take."""

    def __init__(self, number: int, wire: Mapping[str, Any]) -> None:
        self.id = str(wire["id"])
        self.number = number
        self.wire = wire


def _specs(wires: list[Mapping[str, Any]]) -> Store[_Spec]:
    store: Store[_Spec] = Store()
    for number, wire in enumerate(wires):
        store.add(_Spec(number, wire))
    return store


_SPECS: Mapping[str, Store[_Spec]] = {
    "connectionSpecs": _specs([spec.to_wire() for spec in CONNECTION_SPECS.values()]),
    "flowSpecs": _specs(list(FLOW_SPECS.values())),
}


def _receipt(resource: Resource) -> dict[str, str]:
    return {"id": resource.id, "etag": resource.etag}


def _created(kind: str, resource: Resource) -> Answer:
    return Answer(_receipt(resource), 201, {"Location": f"{_BASE}/{kind}/{resource.id}"})


def _reading(kind: str) -> Routes:
    def listing(call: Call) -> Answer:
        sandbox = call.sandbox
        shape = SHAPES[kind]
        return page_of(
            call, kind, sandbox.flow_service.stores[kind], lambda item: shape(sandbox, item), KNOWN_FIELDS[kind]
        )

    def show(call: Call) -> Answer:
        item = call.sandbox.flow_service.get(kind, call.params["id"])
        return Answer({"items": [SHAPES[kind](call.sandbox, item)]})

    return (("GET", f"/{kind}", listing), ("GET", f"/{kind}/{{id}}", show))


def _reading_specs(kind: str) -> Routes:
    def listing(call: Call) -> Answer:
        return page_of(call, kind, _SPECS[kind], lambda item: item.wire, KNOWN_FIELDS[kind])

    def show(call: Call) -> Answer:
        item = _SPECS[kind].get(call.params["id"])
        if item is None:
            raise not_found(kind, call.params["id"])
        return Answer({"items": [item.wire]})

    return (("GET", f"/{kind}", listing), ("GET", f"/{kind}/{{id}}", show))


def _writing(
    kind: str,
    create: Callable[[Sandbox, Mapping[str, Any]], Resource],
    update: Callable[[Sandbox, Any, Call], None],
    delete: Callable[[Sandbox, Any], None],
) -> Routes:
    def creation(call: Call) -> Answer:
        return _created(kind, create(call.sandbox, body_of(call)))

    def change(call: Call) -> Answer:
        resource = call.sandbox.flow_service.get(kind, call.params["id"])
        update(call.sandbox, resource, call)
        return Answer(_receipt(resource))

    def deletion(call: Call) -> Answer:
        delete(call.sandbox, call.sandbox.flow_service.get(kind, call.params["id"]))
        return Answer(None, 204)

    return (
        ("POST", f"/{kind}", creation),
        ("PATCH", f"/{kind}/{{id}}", change),
        ("DELETE", f"/{kind}/{{id}}", deletion),
    )


def _ends(kind: str, create: Callable[[Sandbox, Mapping[str, Any]], Resource]) -> Routes:
    return _writing(
        kind,
        create,
        lambda sandbox, resource, call: ends.update(sandbox, kind, resource, call),
        lambda sandbox, resource: ends.delete(sandbox, kind, resource),
    )


def test_connection(call: Call) -> Answer:
    connection = call.sandbox.flow_service.get("connections", call.params["id"])
    return Answer({"result": connections.works(connection)})


def explore_connection(call: Call) -> Answer:
    connection = call.sandbox.flow_service.get("connections", call.params["id"])
    return Answer(connections.explore(call.sandbox, connection, call))


def act_on_flow(call: Call) -> Answer:
    flow = call.sandbox.flow_service.get("flows", call.params["id"])
    operation = call.first("op")
    if not operation:
        raise FlowRefusal("1451-400", "The query parameter 'op' is missing.", title="Invalid request")
    flows.act(call.sandbox, flow, operation)
    return Answer(_receipt(flow))


def _unreadable(detail: str) -> Refusal:
    return FlowRefusal("1000-400", detail)


def _sandbox_missing() -> Refusal:
    return FlowRefusal("2105-400", "The header x-sandbox-name is missing.", title="Header is missing")


def _sandbox_unknown(name: str) -> Refusal:
    return FlowRefusal("2100-404", f"There is no sandbox with the name '{name[:100]}'.", title="Sandbox not found")


def _failed() -> Refusal:
    return FlowRefusal("1102-500", "The service failed unexpectedly.", title="Internal Server Error")


DIALECT = Dialect(_unreadable, _sandbox_missing, _sandbox_unknown, _failed)
ROUTES: Routes = (
    *_reading("connections"),
    *_writing("connections", connections.create, connections.update, connections.delete),
    ("GET", "/connections/{id}/test", test_connection),
    ("GET", "/connections/{id}/explore", explore_connection),
    *_reading("sourceConnections"),
    *_ends("sourceConnections", ends.create_source),
    *_reading("targetConnections"),
    *_ends("targetConnections", ends.create_target),
    *_reading("flows"),
    *_writing("flows", flows.create, flows.update, flows.delete),
    ("POST", "/flows/{id}/action", act_on_flow),
    *_reading("runs"),
    *run_routes.ROUTES,
    *_reading_specs("connectionSpecs"),
    *_reading_specs("flowSpecs"),
)
