"""What Flow Service holds for a sandbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.flow_service.flow_runs import Run
from airflow_provider_payments.emulator.identifiers import new_etag, new_uuid
from airflow_provider_payments.emulator.refusals import FlowRefusal
from airflow_provider_payments.emulator.store import Store

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.flow_service.schedule import Schedule
    from airflow_provider_payments.emulator.world import Sandbox

PAYPAL_CONNECTION_ID = "24151d58-ffa7-4960-951d-58ffa7396097"


@dataclass(slots=True)
class Resource:
    """A base, source or target connection.

    :param content: what the client sent and may patch.
    :param etag: quotes included; another one after every write.
    """

    id: str
    number: int
    content: dict[str, Any]
    created: int
    updated: int
    etag: str
    state: str = "enabled"

    @property
    def spec_id(self) -> str:
        return str(self.content["connectionSpec"]["id"])

    @property
    def base_id(self) -> str | None:
        value = self.content.get("baseConnectionId")
        return value if isinstance(value, str) else None


@dataclass(slots=True)
class Flow(Resource):
    """A dataflow.

    :param schedule: what its schedule parameters mean.
    :param plan: raised when the schedule changes; what was planned before is void.
    :param operation: the last write, and the patch where it was one.
    :param watermark: epoch seconds up to which runs have read; None before the first.
    """

    schedule: Schedule | None = None
    plan: int = 0
    operation: tuple[str, Any] = ("create", None)
    watermark: float | None = None
    last_run: Run | None = None

    @property
    def source_id(self) -> str:
        return str(self.content["sourceConnectionIds"][0])

    @property
    def target_id(self) -> str:
        return str(self.content["targetConnectionIds"][0])

    def transformation(self, name: str) -> Mapping[str, Any] | None:
        """The parameters of a transformation.

        :param name: ``Copy`` or ``Mapping``.
        """
        for entry in self.content["transformations"]:
            if entry["name"] == name:
                params: Mapping[str, Any] = entry.get("params") or {}
                return params
        return None


def _name(resource: Resource) -> Iterable[str]:
    name = resource.content.get("name")
    return (name,) if isinstance(name, str) else ()


def _base(resource: Resource) -> Iterable[str]:
    return (resource.base_id,) if resource.base_id else ()


class FlowService:
    """The stores of one sandbox, and what all kinds of resources have in common.

    :param sandbox: whose clock it uses.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.connections: Store[Resource] = Store({"name": _name}, sandbox.lag)
        self.source_connections: Store[Resource] = Store({"name": _name, "baseConnectionId": _base}, sandbox.lag)
        self.target_connections: Store[Resource] = Store({"name": _name}, sandbox.lag)
        self.flows: Store[Flow] = Store(
            {
                "name": _name,
                "sourceConnectionIds[]": lambda flow: (flow.source_id,),
                "targetConnectionIds[]": lambda flow: (flow.target_id,),
            },
            sandbox.lag,
        )
        self.runs: Store[Run] = Store({"flowId": lambda run: (run.flow_id,)}, sandbox.lag)
        self._add_paypal_connection()

    @property
    def stores(self) -> Mapping[str, Store[Any]]:
        """By the names that stand in the paths."""
        return {
            "connections": self.connections,
            "sourceConnections": self.source_connections,
            "targetConnections": self.target_connections,
            "flows": self.flows,
            "runs": self.runs,
        }

    def add(self, kind: str, content: dict[str, Any], identifier: str | None = None) -> Resource:
        """A new connection of a kind; its content has been checked.

        :param identifier: a new one when there is none.
        """
        clock, store = self.sandbox.clock, self.stores[kind]
        now = clock.millis()
        resource = Resource(identifier or new_uuid(), store.next_number, content, now, now, new_etag(clock.now()))
        store.add(resource)
        return resource

    def write(self, kind: str, resource: Resource, content: dict[str, Any] | None = None) -> None:
        """Note a change: new content where given, a new etag in any case."""
        if content is not None:
            resource.content = content
        clock = self.sandbox.clock
        resource.updated = clock.millis()
        resource.etag = new_etag(clock.now())
        self.stores[kind].changed(resource)

    def get(self, kind: str, identifier: str) -> Any:
        """A resource of a kind, or the refusal that names both."""
        resource = self.stores[kind].get(identifier)
        if resource is None:
            raise not_found(kind, identifier)
        return resource

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
                "connectionSpec": {"id": "221c7626-58f6-4eec-8ee2-042b0226f03b", "version": "1.0"},
            },
            PAYPAL_CONNECTION_ID,
        )


def not_found(kind: str, identifier: str) -> FlowRefusal:
    """The refusal of an id that names no resource of a kind.

    :param kind: as in the path.
    """
    shown = identifier[:200]
    return FlowRefusal("1439-404", f"There is no resource of type {kind} with the id {shown}.", (kind, shown))
