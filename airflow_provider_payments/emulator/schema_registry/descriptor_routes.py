"""The registry's operations on descriptors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.core import query
from airflow_provider_payments.emulator.core.call import Answer, Call, Routes
from airflow_provider_payments.emulator.schema_registry import listing
from airflow_provider_payments.emulator.schema_registry.accept import (
    Summary,
    check_descriptor_lookup,
    descriptor_list_form,
)
from airflow_provider_payments.emulator.schema_registry.descriptors import Descriptor
from airflow_provider_payments.emulator.schema_registry.registry import Registry
from airflow_provider_payments.emulator.schema_registry.shapes import descriptor_to_wire

PATH = "/tenant/descriptors"
_READERS: Mapping[str, Callable[[Descriptor], Any]] = {"updated": lambda descriptor: descriptor.updated}


def list_all(call: Call[Registry]) -> Answer:
    summary, paged = descriptor_list_form(call.headers.get("accept", ""))
    sandbox, store = call.state.sandbox, call.state.descriptors.store
    show: Mapping[Summary, Callable[[Descriptor], Any]] = {
        "id": lambda descriptor: descriptor.id,
        "link": lambda descriptor: f"{PATH}/{descriptor.id}",
        "whole": lambda descriptor: descriptor_to_wire(descriptor, sandbox),
    }
    items = query.Listing(store, show["whole"], _READERS)
    if paged:
        return listing.answer(call, items, PATH, show[summary])
    grouped: dict[str, list[Any]] = {}
    for descriptor in query.items(items, listing.filters(call)):
        grouped.setdefault(descriptor.type, []).append(show[summary](descriptor))
    return Answer(grouped)


def create(call: Call[Registry]) -> Answer:
    descriptor = call.state.descriptors.create(call.json_object())
    return Answer(descriptor_to_wire(descriptor, call.state.sandbox), 201)


def show(call: Call[Registry]) -> Answer:
    check_descriptor_lookup(call.headers.get("accept", ""))
    return Answer(descriptor_to_wire(_found(call), call.state.sandbox))


def put(call: Call[Registry]) -> Answer:
    descriptor = _found(call)
    call.state.descriptors.replace(descriptor, call.json_object())
    return Answer(descriptor_to_wire(descriptor, call.state.sandbox))


def delete(call: Call[Registry]) -> Answer:
    call.state.descriptors.store.remove(_found(call))
    return Answer(None, 204)


def _found(call: Call[Registry]) -> Descriptor:
    return call.state.descriptors.get(call.params["id"])


ROUTES: Routes[Registry] = (
    ("GET", PATH, list_all),
    ("POST", PATH, create),
    ("GET", PATH + "/{id}", show),
    ("PUT", PATH + "/{id}", put),
    ("DELETE", PATH + "/{id}", delete),
)
