"""Flow Service's operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_provider_payments.emulator.exchange import Answer, Call, Dialect, Routes
from airflow_provider_payments.emulator.flow_service import (
    connections,
    drafts,
    ends,
    explore,
    flows,
    headers,
    run_routes,
)
from airflow_provider_payments.emulator.flow_service.actions import operation_of
from airflow_provider_payments.emulator.flow_service.connections import invalid
from airflow_provider_payments.emulator.flow_service.listing import Listing, answer_list
from airflow_provider_payments.emulator.flow_service.payloads import body_of
from airflow_provider_payments.emulator.flow_service.search import answer_search
from airflow_provider_payments.emulator.flow_service.shapes import KNOWN_FIELDS, SHAPES, listing_of
from airflow_provider_payments.emulator.flow_service.specs import CONNECTION_SPECS, FLOW_SPECS
from airflow_provider_payments.emulator.flow_service.state import ENABLED, Resource, not_found
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


def _specs(kind: str, wires: Iterable[Mapping[str, Any]]) -> Listing:
    store: Store[_Spec] = Store()
    for number, wire in enumerate(wires):
        store.add(_Spec(number, wire))
    return Listing(kind, store, lambda spec: spec.wire, KNOWN_FIELDS[kind], unknown_code="1423-400")


_SPECS: Mapping[str, Listing] = {
    "connectionSpecs": _specs("connectionSpecs", (spec.to_wire() for spec in CONNECTION_SPECS.values())),
    "flowSpecs": _specs("flowSpecs", FLOW_SPECS.values()),
}


def _receipt(resource: Resource) -> dict[str, str]:
    return {"id": resource.id, "etag": resource.etag}


def _created(kind: str, resource: Resource) -> Answer:
    return Answer(_receipt(resource), 201, {"Location": f"{_BASE}/{kind}/{resource.id}"})


def _reading(kind: str) -> Routes:
    def listing(call: Call) -> Answer:
        return answer_list(call, listing_of(call.sandbox, kind))

    def show(call: Call) -> Answer:
        item = call.sandbox.flow_service.get(kind, call.params["id"])
        return Answer({"items": [SHAPES[kind](call.sandbox, item)]})

    return (("GET", f"/{kind}", listing), ("GET", f"/{kind}/{{id}}", show))


def _reading_specs(kind: str) -> Routes:
    specs = _SPECS[kind]

    def listing(call: Call) -> Answer:
        return answer_list(call, specs)

    def show(call: Call) -> Answer:
        item = specs.store.get(call.params["id"])
        if item is None:
            raise not_found(kind, call.params["id"])
        return Answer({"items": [item.wire]})

    return (("GET", f"/{kind}", listing), ("GET", f"/{kind}/{{id}}", show))


def _writing(
    kind: str,
    create: Callable[[Sandbox, Mapping[str, Any], bool], Resource],
    update: Callable[[Sandbox, Any, Call], None],
    delete: Callable[[Sandbox, Any], None],
    act: Callable[[Sandbox, Any, Call], None],
) -> Routes:
    def creation(call: Call) -> Answer:
        body = body_of(call)
        return _created(kind, create(call.sandbox, body, drafts.is_wanted(call, body)))

    def change(call: Call) -> Answer:
        resource = call.sandbox.flow_service.get(kind, call.params["id"])
        update(call.sandbox, resource, call)
        return Answer(_receipt(resource))

    def deletion(call: Call) -> Answer:
        delete(call.sandbox, call.sandbox.flow_service.get(kind, call.params["id"]))
        return Answer(None, 204)

    def action(call: Call) -> Answer:
        resource = call.sandbox.flow_service.get(kind, call.params["id"])
        act(call.sandbox, resource, call)
        return Answer(_receipt(resource))

    return (
        ("POST", f"/{kind}", creation),
        ("PATCH", f"/{kind}/{{id}}", change),
        ("DELETE", f"/{kind}/{{id}}", deletion),
        ("POST", f"/{kind}/{{id}}/action", action),
    )


def _ends(kind: str) -> Routes:
    return _writing(
        kind,
        lambda sandbox, body, draft: ends.create(sandbox, kind, body, draft),
        lambda sandbox, resource, call: ends.update(sandbox, kind, resource, call),
        lambda sandbox, resource: ends.delete(sandbox, kind, resource),
        _publish(kind, lambda sandbox, content: ends.checked(sandbox, kind, content)),
    )


def _publish(
    kind: str, check: Callable[[Sandbox, Mapping[str, Any]], dict[str, Any]]
) -> Callable[[Sandbox, Resource, Call], None]:
    def act(sandbox: Sandbox, resource: Resource, call: Call) -> None:
        operation_of(call, ("publish",), resource.etag)
        drafts.check_unpublished(resource)
        content = check(sandbox, resource.content)
        resource.state = ENABLED
        sandbox.flow_service.write(kind, resource, content)

    return act


def _searching(kind: str) -> Routes:
    def search(call: Call) -> Answer:
        return answer_search(call, listing_of(call.sandbox, kind))

    return (("POST", f"/{kind}/search", search),)


def test_connection(call: Call) -> Answer:
    connection = call.sandbox.flow_service.get("connections", call.params["id"])
    return Answer({"result": connections.works(connection)})


def explore_connection(call: Call) -> Answer:
    connection = call.sandbox.flow_service.get("connections", call.params["id"])
    return Answer(explore.explore(call.sandbox, connection, call))


def show_configs(call: Call) -> Answer:
    connection = call.sandbox.flow_service.get("connections", call.params["id"])
    return Answer({"items": explore.configs(call.sandbox, connection)})


def search_flow_specs(call: Call) -> Answer:
    return answer_search(call, _SPECS["flowSpecs"])


def explore_spec(call: Call) -> Answer:
    identifier = call.params["id"]
    if _SPECS["connectionSpecs"].store.get(identifier) is None:
        raise not_found("connectionSpecs", identifier)
    raise FlowRefusal("1372-400", f"The connection spec {identifier} cannot be explored; its connections can.")


def write_spec(call: Call) -> Answer:
    raise invalid("1426-400", "A user token is not authorised to create or update specs.")


def no_such_path(call: Call) -> Answer:
    raise invalid("1411-400", f"The path '{call.path[:200]}' names nothing that can be found.")


def _unreadable(detail: str) -> Refusal:
    return FlowRefusal("1000-400", detail)


def _failed() -> Refusal:
    return FlowRefusal("1102-500", "The service failed unexpectedly.", title="Internal Server Error")


DIALECT = Dialect(
    _unreadable,
    headers.sandbox_missing,
    headers.sandbox_unknown,
    _failed,
    headers.organisation_empty,
    headers.check_sandbox_headers,
)
ROUTES: Routes = (
    *_reading("connections"),
    *_searching("connections"),
    *_writing(
        "connections",
        connections.create,
        connections.update,
        connections.delete,
        _publish("connections", connections.checked),
    ),
    ("GET", "/connections/{id}/test", test_connection),
    ("GET", "/connections/{id}/explore", explore_connection),
    ("GET", "/connections/{id}/configs", show_configs),
    *_reading("sourceConnections"),
    *_ends("sourceConnections"),
    *_reading("targetConnections"),
    *_ends("targetConnections"),
    *_reading("flows"),
    *_searching("flows"),
    *_writing("flows", flows.create, flows.update, flows.delete, flows.act),
    *_reading("runs"),
    *run_routes.ROUTES,
    *_reading_specs("connectionSpecs"),
    ("POST", "/connectionSpecs", write_spec),
    ("PUT", "/connectionSpecs/{id}", write_spec),
    ("GET", "/connectionSpecs/{id}/explore", explore_spec),
    ("GET", "/connectionSpecs/{id}/configs", explore_spec),
    *_reading_specs("flowSpecs"),
    ("POST", "/flowSpecs", write_spec),
    ("PUT", "/flowSpecs/{id}", write_spec),
    ("POST", "/flowSpecs/search", search_flow_specs),
    ("GET", "/{kind}/{id}", no_such_path),
)
