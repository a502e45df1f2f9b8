"""Hiding objects from the credential, as access labels do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from airflow_provider_payments.emulator.control.values import body_of, missing, one_of, text
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.core.refusals import ControlRefusal
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.flow_service.shapes import SHAPES
from airflow_provider_payments.emulator.organisation import Sandbox, World

Entry = dict[str, str]
SANDBOXES = "sandboxes"
MAX_ID_LENGTH = 1000


def _of_flow_service(kind: str, sandbox: Sandbox) -> Store[Any]:
    return sandbox.flow_service.stores[kind]


def _registry(sandbox: Sandbox) -> Store[Any]:
    return sandbox.registry.store


_STORES: Mapping[str, Callable[[Sandbox], Store[Any]]] = {
    **{kind: partial(_of_flow_service, kind) for kind in SHAPES},
    **dict.fromkeys(("schemas", "fieldgroups", "classes", "datatypes"), _registry),
    "descriptors": lambda sandbox: sandbox.registry.descriptors.store,
    "dataSets": lambda sandbox: sandbox.catalog.datasets,
    "batches": lambda sandbox: sandbox.catalog.batches,
    "mappingSets": lambda sandbox: sandbox.mapping_sets.store,
}
# The registry keeps all its kinds in one store, field groups under their old name.
_REGISTRY_NAMES = {"fieldgroups": "mixins"}


def _is_of(kind: str, item: Any) -> bool:
    return _STORES[kind] is not _registry or item.kind == _REGISTRY_NAMES.get(kind, kind)


def hide(call: Call) -> Answer:
    """Hide an object from the credential: {"kind": "flows", "id": ...}; a dataflow with its runs."""
    body = body_of(call, ("kind", "id"), "an object to hide")
    for member in ("kind", "id"):
        if member not in body:
            raise missing(member)
    kind = one_of("kind", body["kind"], (*_STORES, SANDBOXES))
    identifier = text("id", body["id"], MAX_ID_LENGTH)
    # The base connection that is there from the beginning has one id in all sandboxes.
    hidden = [entry for sandbox in call.world.sandboxes.values() for entry in _hide(sandbox, kind, identifier)]
    if not hidden:
        raise ControlRefusal(404, f"There is no '{identifier[:100]}' among the {kind} of any sandbox.")
    return Answer({"hidden": hidden})


def _hide(sandbox: Sandbox, kind: str, identifier: str) -> list[Entry]:
    if kind == SANDBOXES:
        sandbox.is_hidden = sandbox.is_hidden or identifier == sandbox.name
        return [_entry(kind, identifier, sandbox)] if identifier == sandbox.name else []
    item = _STORES[kind](sandbox).get(identifier)
    if item is None or not _is_of(kind, item):
        return []
    for store, one in _with_runs(sandbox, kind, item):
        store.hide(one)
    return [_entry(kind, identifier, sandbox)]


def list_hidden(call: Call) -> Answer:
    """What is hidden now."""
    return Answer({"hidden": _all_hidden(call.world)})


def show(call: Call) -> Answer:
    """Show one object again, a dataflow with its runs; answers what was hidden."""
    identifier = call.params["id"]
    hidden = [entry for entry in _all_hidden(call.world) if entry["id"] == identifier]
    if not hidden:
        raise ControlRefusal(404, f"'{identifier[:100]}' is not hidden.")
    return _shown(call.world, hidden)


def show_all(call: Call) -> Answer:
    """Show all objects again; answers what was hidden."""
    return _shown(call.world, _all_hidden(call.world))


def _shown(world: World, hidden: list[Entry]) -> Answer:
    for entry in hidden:
        sandbox, kind = world.sandboxes[entry["sandbox"]], entry["kind"]
        if kind == SANDBOXES:
            sandbox.is_hidden = False
            continue
        for store, item in _with_runs(sandbox, kind, _STORES[kind](sandbox).get(entry["id"])):
            store.show(item)
    return Answer({"hidden": hidden})


def _with_runs(sandbox: Sandbox, kind: str, item: Any) -> Iterator[tuple[Store[Any], Any]]:
    """An item with its store; a dataflow's runs inherit its labels."""
    yield _STORES[kind](sandbox), item
    if kind == "flows":
        runs = sandbox.flow_service.runs
        yield from ((runs, run) for run in runs.find("flowId", (item.id,)))


def _all_hidden(world: World) -> list[Entry]:
    hidden = [_entry(SANDBOXES, name, sandbox) for name, sandbox in world.sandboxes.items() if sandbox.is_hidden]
    for sandbox in world.sandboxes.values():
        for kind, store_of in _STORES.items():
            hidden += [_entry(kind, item.id, sandbox) for item in store_of(sandbox).hidden if _is_of(kind, item)]
    return hidden


def _entry(kind: str, identifier: str, sandbox: Sandbox) -> Entry:
    return {"kind": kind, "id": identifier, "sandbox": sandbox.name}


ROUTES: Routes = (
    ("POST", "/hidden", hide),
    ("GET", "/hidden", list_hidden),
    ("DELETE", "/hidden", show_all),
    ("DELETE", "/hidden/{id:path}", show),
)
