"""What Flow Service holds for a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.core.identifiers import new_etag, new_uuid
from airflow_provider_payments.emulator.core.refusals import FlowRefusal
from airflow_provider_payments.emulator.core.store import Store
from airflow_provider_payments.emulator.flow_service.flow_runs import Run
from airflow_provider_payments.emulator.flow_service.specs import PAYPAL_ID

if TYPE_CHECKING:
    from airflow_provider_payments.emulator.flow_service.schedule import Schedule
    from airflow_provider_payments.emulator.organisation import Sandbox

# The members of a dataflow that name its ends, and the kinds of these.
SOURCES, TARGETS = "sourceConnections", "targetConnections"
END_KINDS: Mapping[str, str] = {"sourceConnectionIds": SOURCES, "targetConnectionIds": TARGETS}
DRAFT, ENABLED, DISABLED, INITIALIZING = "draft", "enabled", "disabled", "initializing"
PAYPAL_CONNECTION_ID = "24151d58-ffa7-4960-951d-58ffa7396097"


@dataclass(slots=True)
class Resource:
    """A base, source or target connection.

    :param content: what the client sent and may patch.
    :param etag: quotes included; another one after every write.
    """

    id: str
    content: dict[str, Any]
    created: int
    updated: int
    etag: str
    state: str = ENABLED
    number: int = -1

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

    :param schedule: what its schedule parameters mean; None while it is a draft.
    :param plan: raised when the schedule changes; what was planned before is void.
    :param operation: the last write, and the patch where it was one.
    :param watermark: epoch seconds up to which runs have read; None before the first.
    :param last_run: the newest run that lists know, as is ``last_ended_run`` of those that have ended.
    :param failing_since: epoch seconds of the first failure after which nothing but failures came; 0 if there is
        none.
    """

    schedule: Schedule | None = None
    plan: int = 0
    operation: tuple[str, Any] = ("create", None)
    watermark: float | None = None
    last_run: Run | None = None
    last_ended_run: Run | None = None
    failing_since: float = 0

    @property
    def source_id(self) -> str:
        """Of a dataflow that is no draft any more, as its target's."""
        return str(self.content["sourceConnectionIds"][0])

    @property
    def target_id(self) -> str:
        return str(self.content["targetConnectionIds"][0])

    def transformation(self, name: str) -> Mapping[str, Any] | None:
        """The parameters of a transformation.

        :param name: ``Copy`` or ``Mapping``.
        """
        for entry in self.content.get("transformations") or ():
            if entry["name"] == name:
                params: Mapping[str, Any] = entry.get("params") or {}
                return params
        return None


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
    """The stores of one sandbox, and what all kinds of resources have in common."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
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
        clock, store = self.sandbox.clock, self.stores[kind]
        now, make = clock.millis(), Flow if kind == "flows" else Resource
        resource = make(identifier or new_uuid(), content, now, now, new_etag(clock.now()), state)
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


def not_found(kind: str, identifier: str) -> FlowRefusal:
    """The refusal of an id that names no resource of a kind.

    :param kind: as in the path.
    """
    shown = identifier[:200]
    return FlowRefusal("1439-404", f"The requested {kind} resource {shown} is not found.", (kind, shown))
