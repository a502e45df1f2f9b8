"""Flow Service's operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.flow_service import connections, explore, flows, on_demand, writes
from airflow_provider_payments.emulator.flow_service.connection_rules import accepts_credential
from airflow_provider_payments.emulator.flow_service.listing import Listing, answer_list, answer_search
from airflow_provider_payments.emulator.flow_service.model import KNOWN_FIELDS, SOURCES, TARGETS, Resource
from airflow_provider_payments.emulator.flow_service.payloads import body_of, required_parameter
from airflow_provider_payments.emulator.flow_service.refusals import FlowDialect, FlowRefusal, invalid, not_found
from airflow_provider_payments.emulator.flow_service.shapes import PREFIX, TO_WIRE, listing_of, receipt_to_wire
from airflow_provider_payments.emulator.flow_service.specs import CONNECTION_SPECS, FLOW_SPECS
from airflow_provider_payments.emulator.flow_service.state import FlowService
from airflow_provider_payments.emulator.flow_service.writes import check_current

RE_TRIGGER = "re-trigger"


class _Spec:
    """A connection spec or flow spec as an item of a store."""

    def __init__(self, wire: Mapping[str, Any]) -> None:
        self.id = str(wire["id"])
        self.number = -1
        self.wire = wire


def _specs(kind: str, wires: Iterable[Mapping[str, Any]]) -> Listing:
    store: Store[_Spec] = Store()
    for wire in wires:
        store.add(_Spec(wire))
    return Listing(
        store, lambda spec: spec.wire, keys={"id": "id"}, path=kind, known=KNOWN_FIELDS[kind], unknown_code="1423-400"
    )


_SPECS: Mapping[str, Listing] = {
    "connectionSpecs": _specs("connectionSpecs", (spec.to_wire() for spec in CONNECTION_SPECS.values())),
    "flowSpecs": _specs("flowSpecs", FLOW_SPECS.values()),
}


def _read_routes(kind: str) -> Routes[FlowService]:
    def listing(call: Call[FlowService]) -> Answer:
        return answer_list(call, listing_of(call.state, kind))

    def show(call: Call[FlowService]) -> Answer:
        item = call.state.get(kind, call.params["id"], removed=True)
        return Answer({"items": [TO_WIRE[kind](call.state, item)]})

    return (("GET", f"/{kind}", listing), ("GET", f"/{kind}/{{id}}", show))


def _spec_routes(kind: str) -> Routes[FlowService]:
    specs = _SPECS[kind]

    def listing(call: Call[FlowService]) -> Answer:
        return answer_list(call, specs)

    def show(call: Call[FlowService]) -> Answer:
        item = specs.store.get(call.params["id"])
        if item is None:
            raise not_found(kind, call.params["id"])
        return Answer({"items": [item.wire]})

    return (("GET", f"/{kind}", listing), ("GET", f"/{kind}/{{id}}", show))


def _write_routes(
    kind: str,
    create: Callable[[FlowService, Mapping[str, Any], bool], Resource],
    update: Callable[[FlowService, Any, Call[FlowService]], None],
    delete: Callable[[FlowService, Any], None],
    act: Callable[[FlowService, Any, Call[FlowService]], None],
) -> Routes[FlowService]:
    def creation(call: Call[FlowService]) -> Answer:
        body = body_of(call)
        resource = create(call.state, body, writes.requests_draft(call, body))
        return Answer(receipt_to_wire(resource), 201, {"Location": f"{PREFIX}/{kind}/{resource.id}"})

    def change(call: Call[FlowService]) -> Answer:
        resource = call.state.writable(kind, call.params["id"])
        update(call.state, resource, call)
        return Answer(receipt_to_wire(resource))

    def deletion(call: Call[FlowService]) -> Answer:
        delete(call.state, call.state.writable(kind, call.params["id"]))
        return Answer(None, 204)

    def action(call: Call[FlowService]) -> Answer:
        resource = call.state.writable(kind, call.params["id"])
        act(call.state, resource, call)
        return Answer(receipt_to_wire(resource))

    return (
        ("POST", f"/{kind}", creation),
        ("PATCH", f"/{kind}/{{id}}", change),
        ("DELETE", f"/{kind}/{{id}}", deletion),
        ("POST", f"/{kind}/{{id}}/action", action),
    )


def _connection_routes(kind: str) -> Routes[FlowService]:
    return (
        *_read_routes(kind),
        *_write_routes(
            kind,
            partial(connections.create, kind),
            partial(connections.update, kind),
            partial(connections.delete, kind),
            partial(connections.publish, kind),
        ),
    )


def _search_routes(kind: str) -> Routes[FlowService]:
    def search(call: Call[FlowService]) -> Answer:
        return answer_search(call, listing_of(call.state, kind))

    return (("POST", f"/{kind}/search", search),)


def test_connection(call: Call[FlowService]) -> Answer:
    connection = call.state.get("connections", call.params["id"])
    return Answer({"result": accepts_credential(connection)})


def explore_connection(call: Call[FlowService]) -> Answer:
    connection = call.state.get("connections", call.params["id"])
    return Answer(explore.explore(call.state, connection, call))


def show_configs(call: Call[FlowService]) -> Answer:
    connection = call.state.get("connections", call.params["id"])
    return Answer({"items": explore.configs(call.state, connection)})


def create_run(call: Call[FlowService]) -> Answer:
    run = on_demand.create(call.state, body_of(call))
    receipt = receipt_to_wire(run)
    # The API reference shows the receipt itself, the tutorial shows the receipt in a list: clients may rely on either.
    return Answer({**receipt, "items": [receipt]}, 201, {"Location": f"{PREFIX}/runs/{run.id}"})


def act_on_run(call: Call[FlowService]) -> Answer:
    run = call.state.get("runs", call.params["id"])
    operation = required_parameter(call, "op")
    if operation.lower().replace("_", "-") != RE_TRIGGER:
        raise FlowRefusal("1401-400", f"The flow run action '{operation[:60]}' is not supported, only {RE_TRIGGER}.")
    check_current(call, run.etag)
    return Answer(receipt_to_wire(on_demand.retry(call.state, run)))


def replace_run(call: Call[FlowService]) -> Answer:
    raise invalid("1427-400", "A user token is not authorised to write flow runs; their provider does.")


def search_flow_specs(call: Call[FlowService]) -> Answer:
    return answer_search(call, _SPECS["flowSpecs"])


def explore_spec(call: Call[FlowService]) -> Answer:
    identifier = call.params["id"]
    if _SPECS["connectionSpecs"].store.get(identifier) is None:
        raise not_found("connectionSpecs", identifier)
    raise FlowRefusal("1372-400", f"The connection spec {identifier} cannot be explored; its connections can.")


def write_spec(call: Call[FlowService]) -> Answer:
    raise invalid("1426-400", "A user token is not authorised to create or update specs.")


def no_such_path(call: Call[FlowService]) -> Answer:
    raise invalid("1411-400", f"The path '{call.path[:200]}' names nothing that can be found.")


__all__ = ["DIALECT", "PREFIX", "ROUTES"]

DIALECT = FlowDialect()
ROUTES: Routes[FlowService] = (
    *_connection_routes(connections.BASES),
    *_search_routes(connections.BASES),
    ("GET", "/connections/{id}/test", test_connection),
    ("GET", "/connections/{id}/explore", explore_connection),
    ("GET", "/connections/{id}/configs", show_configs),
    *_connection_routes(SOURCES),
    *_connection_routes(TARGETS),
    *_read_routes("flows"),
    *_search_routes("flows"),
    *_write_routes("flows", flows.create, flows.update, flows.delete, flows.act),
    *_read_routes("runs"),
    ("POST", "/runs", create_run),
    ("PUT", "/runs/{id}", replace_run),
    ("POST", "/runs/{id}/action", act_on_run),
    *_spec_routes("connectionSpecs"),
    ("POST", "/connectionSpecs", write_spec),
    ("PUT", "/connectionSpecs/{id}", write_spec),
    ("GET", "/connectionSpecs/{id}/explore", explore_spec),
    ("GET", "/connectionSpecs/{id}/configs", explore_spec),
    *_spec_routes("flowSpecs"),
    ("POST", "/flowSpecs", write_spec),
    ("PUT", "/flowSpecs/{id}", write_spec),
    ("POST", "/flowSpecs/search", search_flow_specs),
    ("GET", "/{kind}/{id}", no_such_path),
)
