"""The state of Flow Service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_provider_payments.emulator.catalog.state import Catalog
from airflow_provider_payments.emulator.core.identifiers import new_etag, new_uuid
from airflow_provider_payments.emulator.core.sandbox import Sandbox
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.data_prep.mapping_sets import MappingSets
from airflow_provider_payments.emulator.flow_service.forced_outcomes import Outcomes
from airflow_provider_payments.emulator.flow_service.model import (
    ENABLED,
    END_KINDS,
    SOURCES,
    TARGETS,
    Flow,
    Resource,
    Run,
)
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal, name_taken, not_found
from airflow_provider_payments.emulator.flow_service.specs import PAYPAL_ID
from airflow_provider_payments.emulator.samples.vendors import Vendors
from airflow_provider_payments.emulator.schema_registry.registry import Registry

# By the kind in the path, the kind of object as the options name it.
_KINDS = {
    "connections": "base_connection",
    SOURCES: "source_connection",
    TARGETS: "target_connection",
    "flows": "dataflow",
}
PAYPAL_CONNECTION_ID = "24151d58-ffa7-4960-951d-58ffa7396097"


def name_of(resource: Resource) -> Iterable[str]:
    """Return the name of a resource as the only entry; no entry if it has no name."""
    name = resource.content.get("name")
    return (name,) if isinstance(name, str) else ()


def _base(resource: Resource) -> Iterable[str]:
    return (resource.base_id,) if resource.base_id else ()


def _ends(member: str) -> Callable[[Flow], Iterable[str]]:
    return lambda flow: flow.content.get(member) or ()


def _of_kind(kind: str) -> Callable[[Resource], str]:
    return lambda resource: _KINDS[kind]


def _created(item: Resource | Run) -> int:
    return item.created


class FlowService:
    """The state of Flow Service in one sandbox, with the operations that all kinds of resources have in common.

    :param registry: resolves references to schemas.
    :param catalog: resolves references to datasets.
    :param mapping_sets: resolves references to mapping sets.
    :param vendors: the vendors whose tables dataflows read, of the whole organisation.
    :param outcomes: the forced outcomes of runs, of the whole organisation.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        registry: Registry,
        catalog: Catalog,
        mapping_sets: MappingSets,
        vendors: Vendors,
        outcomes: Outcomes,
    ) -> None:
        self.sandbox, self.clock = sandbox, sandbox.clock
        self.registry, self.catalog, self.mapping_sets = registry, catalog, mapping_sets
        self.vendors, self.outcomes = vendors, outcomes
        lag = sandbox.lag
        end_keys = {"name": name_of, "baseConnectionId": _base}
        flow_keys = {"name": name_of, **{f"{member}[]": _ends(member) for member in END_KINDS}}
        self.connections: Store[Resource] = Store({"name": name_of}, lag, _created, _of_kind("connections"))
        self.source_connections: Store[Resource] = Store(end_keys, lag, _created, _of_kind(SOURCES))
        self.target_connections: Store[Resource] = Store(end_keys, lag, _created, _of_kind(TARGETS))
        self.flows: Store[Flow] = Store(flow_keys, lag, _created, _of_kind("flows"))
        self.runs: Store[Run] = Store({"flowId": lambda run: (run.flow_id,)}, lag, _created)
        self._add_paypal_connection()

    @property
    def stores(self) -> Mapping[str, Store[Any]]:
        """The stores of resources, by the kinds in the paths."""
        return {
            "connections": self.connections,
            SOURCES: self.source_connections,
            TARGETS: self.target_connections,
            "flows": self.flows,
            "runs": self.runs,
        }

    def add(self, kind: str, content: dict[str, Any], state: str = ENABLED, identifier: str | None = None) -> Any:
        """Add a resource of a kind, or refuse its name.

        :param content: the content of the resource, which the caller has checked.
        :param identifier: the id of the resource; a new id unless given.
        """
        clock, store = self.clock, self.stores[kind]
        holder = self.sandbox.name_holder(_KINDS[kind], store, content.get("name"))
        if holder is not None:
            raise name_taken(str(content["name"]), kind, holder.id)
        now, resource_class = clock.millis(), Flow if kind == "flows" else Resource
        resource = resource_class(identifier or new_uuid(), content, now, now, new_etag(clock.now()), state)
        store.add(resource)
        return resource

    def write(self, kind: str, resource: Resource, content: dict[str, Any] | None = None) -> None:
        """Store a change of a resource: new content if given, and a new etag in any case."""
        if content is not None:
            resource.content = content
        clock = self.clock
        resource.updated = clock.millis()
        resource.etag = new_etag(clock.now())
        self.stores[kind].reindex(resource)

    def get(self, kind: str, identifier: str, *, removed: bool = False) -> Any:
        """Return the resource that a request finds by its id; raise a refusal if there is none.

        :param removed: whether to find a removed resource while reads lag behind its removal.
        """
        resource = self.stores[kind].read(identifier, removed=removed)
        if resource is None:
            raise not_found(kind, identifier)
        return resource

    def writable(self, kind: str, identifier: str) -> Any:
        """Return the resource that a request changes; without access to it, refuse the request with 403, not 404."""
        if self.stores[kind].is_hidden(identifier):
            raise FlowRefusal("2120-403", "The permissions of the credential are not sufficient for this operation.")
        return self.get(kind, identifier)

    def audit(self, item: Resource | Run) -> dict[str, Any]:
        """Return the members that every resource shows: its id, and who created it, where and when."""
        sandbox, options = self.sandbox, self.sandbox.options
        return {
            "id": item.id,
            "createdAt": item.created,
            "updatedAt": item.updated,
            "createdBy": options.user_id,
            "updatedBy": options.user_id,
            "createdClient": options.client_id,
            "updatedClient": options.client_id,
            "sandboxId": sandbox.id,
            "sandboxName": sandbox.name,
            "imsOrgId": options.org,
        }

    def dataflow_using(self, connection: Resource) -> Flow | None:
        """Return a dataflow that uses a connection, directly or through a base connection; None if there is none."""
        users = (
            user
            for member, kind in END_KINDS.items()
            for end in (connection, *self.stores[kind].find("baseConnectionId", (connection.id,)))
            for user in self.flows.find(f"{member}[]", (end.id,))
        )
        return next(users, None)

    def _add_paypal_connection(self) -> None:
        self.add(
            "connections",
            {
                "name": "PayPal connection",
                "description": "PayPal sandbox account with sample data",
                "auth": {
                    "specName": "Client-Id-Secret Based Authentication",
                    "params": {
                        "host": "api.sandbox.paypal.com",
                        "clientId": "emulated-merchant",
                        "clientSecret": "emulated-secret",
                    },
                },
                "connectionSpec": {"id": PAYPAL_ID, "version": "1.0"},
            },
            identifier=PAYPAL_CONNECTION_ID,
        )
