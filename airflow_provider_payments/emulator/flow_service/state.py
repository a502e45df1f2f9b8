"""What Flow Service holds for a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_provider_payments.emulator.catalog.state import Catalog
from airflow_provider_payments.emulator.core.identifiers import new_etag, new_uuid
from airflow_provider_payments.emulator.core.sandbox import Sandbox
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.data_prep.mapping_sets import MappingSets
from airflow_provider_payments.emulator.flow_service.model import (
    ENABLED,
    END_KINDS,
    SOURCES,
    TARGETS,
    Flow,
    Resource,
    Run,
)
from airflow_provider_payments.emulator.flow_service.ordered_outcomes import Outcomes
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal, not_found
from airflow_provider_payments.emulator.flow_service.specs import PAYPAL_ID
from airflow_provider_payments.emulator.samples.vendors import Vendors
from airflow_provider_payments.emulator.schema_registry.registry import Registry

PAYPAL_CONNECTION_ID = "24151d58-ffa7-4960-951d-58ffa7396097"


def name_of(resource: Resource) -> Iterable[str]:
    """Its name, if it has one."""
    name = resource.content.get("name")
    return (name,) if isinstance(name, str) else ()


def _base(resource: Resource) -> Iterable[str]:
    return (resource.base_id,) if resource.base_id else ()


def _ends(member: str) -> Callable[[Flow], Iterable[str]]:
    return lambda flow: flow.content.get(member) or ()


def _created(item: Resource | Run) -> int:
    return item.created


class FlowService:
    """What Flow Service holds for one sandbox, and what all kinds of resources have in common.

    :param registry: where the schemas are that dataflows refer to, as ``catalog`` and ``mapping_sets`` for the others.
    :param vendors: whose tables dataflows read.
    :param outcomes: what is to become of runs; of the whole organisation, as are the vendors.
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
        self.connections: Store[Resource] = Store({"name": name_of}, lag, _created)
        self.source_connections: Store[Resource] = Store({"name": name_of, "baseConnectionId": _base}, lag, _created)
        self.target_connections: Store[Resource] = Store({"name": name_of, "baseConnectionId": _base}, lag, _created)
        self.flows: Store[Flow] = Store(
            {"name": name_of, **{f"{member}[]": _ends(member) for member in END_KINDS}}, lag, _created
        )
        self.runs: Store[Run] = Store({"flowId": lambda run: (run.flow_id,)}, lag, _created)
        self._add_paypal_connection()

    @property
    def stores(self) -> Mapping[str, Store[Any]]:
        """By the names that stand in the paths."""
        return {
            "connections": self.connections,
            SOURCES: self.source_connections,
            TARGETS: self.target_connections,
            "flows": self.flows,
            "runs": self.runs,
        }

    def add(self, kind: str, content: dict[str, Any], state: str = ENABLED, identifier: str | None = None) -> Any:
        """A new resource of a kind; its content has been checked.

        :param identifier: a new one when there is none.
        """
        clock, store = self.clock, self.stores[kind]
        now, make = clock.millis(), Flow if kind == "flows" else Resource
        resource = make(identifier or new_uuid(), content, now, now, new_etag(clock.now()), state)
        store.add(resource)
        return resource

    def write(self, kind: str, resource: Resource, content: dict[str, Any] | None = None) -> None:
        """Note a change: new content where given, a new etag in any case."""
        if content is not None:
            resource.content = content
        clock = self.clock
        resource.updated = clock.millis()
        resource.etag = new_etag(clock.now())
        self.stores[kind].changed(resource)

    def get(self, kind: str, identifier: str) -> Any:
        """A resource of a kind as a request finds it, or the refusal that names both."""
        resource = self.stores[kind].read(identifier)
        if resource is None:
            raise not_found(kind, identifier)
        return resource

    def writable(self, kind: str, identifier: str) -> Any:
        """The same as a request finds it that is to change it: who may not see it is refused otherwise than readers."""
        if self.stores[kind].is_hidden(identifier):
            raise FlowRefusal("2120-403", "The permissions of the credential are not sufficient for this operation.")
        return self.get(kind, identifier)

    def audit(self, item: Resource | Run) -> dict[str, Any]:
        """Who created something, where, and when: what every resource shows."""
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

    def user_of(self, connection: Resource) -> Flow | None:
        """A dataflow that has a source or target connection, or one over a base connection, if there is one."""
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
