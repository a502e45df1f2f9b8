"""Operations to hide objects from the credential, as access labels do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from airflow_provider_payments.emulator.control.refusals import ControlRefusal, missing
from airflow_provider_payments.emulator.control.values import body_of, one_of, text
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.flow_service.shapes import TO_WIRE
from airflow_provider_payments.emulator.organisation import Organisation, SandboxServices

# The kind, the id and the sandbox of a hidden object.
HiddenObject = dict[str, str]
SANDBOXES = "sandboxes"
MAX_ID_CHARACTERS = 1000


def _of_flow_service(kind: str, services: SandboxServices) -> Store[Any]:
    return services.flow_service.stores[kind]


def _registry(services: SandboxServices) -> Store[Any]:
    return services.registry.store


_STORES: Mapping[str, Callable[[SandboxServices], Store[Any]]] = {
    **{kind: partial(_of_flow_service, kind) for kind in TO_WIRE},
    **dict.fromkeys(("schemas", "fieldgroups", "classes", "datatypes"), _registry),
    "descriptors": lambda services: services.registry.descriptors.store,
    "dataSets": lambda services: services.catalog.datasets,
    "batches": lambda services: services.catalog.batches,
    "mappingSets": lambda services: services.mapping_sets.store,
}
# The registry keeps all kinds of resources in one store, and field groups under their former name.
_REGISTRY_NAMES = {"fieldgroups": "mixins"}


def _is_of(kind: str, item: Any) -> bool:
    return _STORES[kind] is not _registry or item.kind == _REGISTRY_NAMES.get(kind, kind)


def hide(call: Call[Organisation]) -> Answer:
    """Hide an object from the credential: {"kind": "flows", "id": ...}; a dataflow is hidden with its runs."""
    body = body_of(call, ("kind", "id"), "an object to hide")
    for member in ("kind", "id"):
        if member not in body:
            raise missing(member)
    kind = one_of("kind", body["kind"], (*_STORES, SANDBOXES))
    identifier = text("id", body["id"], MAX_ID_CHARACTERS)
    # The initial base connection has the same id in all sandboxes.
    hidden = [entry for services in call.state.services.values() for entry in _hide(services, kind, identifier)]
    if not hidden:
        raise ControlRefusal(404, f"There is no '{identifier[:100]}' among the {kind} of any sandbox.")
    return Answer({"hidden": hidden})


def _hide(services: SandboxServices, kind: str, identifier: str) -> list[HiddenObject]:
    if kind == SANDBOXES:
        sandbox = services.sandbox
        sandbox.is_hidden = sandbox.is_hidden or identifier == sandbox.name
        return [_entry(kind, identifier, sandbox.name)] if identifier == sandbox.name else []
    item = _STORES[kind](services).get(identifier)
    if item is None or not _is_of(kind, item):
        return []
    for store, one in _with_runs(services, kind, item):
        store.hide(one)
    return [_entry(kind, identifier, services.sandbox.name)]


def list_hidden(call: Call[Organisation]) -> Answer:
    """List the hidden objects."""
    return Answer({"hidden": _all_hidden(call.state)})


def show(call: Call[Organisation]) -> Answer:
    """Show a hidden object again, a dataflow with its runs; the answer lists the objects that were hidden."""
    identifier = call.params["id"]
    hidden = [entry for entry in _all_hidden(call.state) if entry["id"] == identifier]
    if not hidden:
        raise ControlRefusal(404, f"'{identifier[:100]}' is not hidden.")
    return _show_again(call.state, hidden)


def show_all(call: Call[Organisation]) -> Answer:
    """Show all hidden objects again; the answer lists them."""
    return _show_again(call.state, _all_hidden(call.state))


def _show_again(organisation: Organisation, hidden: list[HiddenObject]) -> Answer:
    for entry in hidden:
        services, kind = organisation.services[entry["sandbox"]], entry["kind"]
        if kind == SANDBOXES:
            services.sandbox.is_hidden = False
            continue
        for store, item in _with_runs(services, kind, _STORES[kind](services).get(entry["id"])):
            store.show(item)
    return Answer({"hidden": hidden})


def _with_runs(services: SandboxServices, kind: str, item: Any) -> Iterator[tuple[Store[Any], Any]]:
    """Yield an item and its store, and for a dataflow also its runs, which inherit its labels."""
    yield _STORES[kind](services), item
    if kind == "flows":
        runs = services.flow_service.runs
        yield from ((runs, run) for run in runs.find("flowId", (item.id,)))


def _all_hidden(organisation: Organisation) -> list[HiddenObject]:
    hidden = [_entry(SANDBOXES, name, name) for name, sandbox in organisation.sandboxes.items() if sandbox.is_hidden]
    for name, services in organisation.services.items():
        for kind, store_of in _STORES.items():
            hidden += [_entry(kind, item.id, name) for item in store_of(services).hidden if _is_of(kind, item)]
    return hidden


def _entry(kind: str, identifier: str, sandbox: str) -> HiddenObject:
    return {"kind": kind, "id": identifier, "sandbox": sandbox}


ROUTES: Routes[Organisation] = (
    ("POST", "/hidden", hide),
    ("GET", "/hidden", list_hidden),
    ("DELETE", "/hidden", show_all),
    ("DELETE", "/hidden/{id:path}", show),
)
