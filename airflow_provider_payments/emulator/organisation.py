"""The emulated organisation: it connects the services of each sandbox and lists the services with their prefixes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Generic

from airflow_provider_payments.emulator.catalog import routes as catalog
from airflow_provider_payments.emulator.catalog.state import Catalog
from airflow_provider_payments.emulator.core.call import Dialect, Routes, State
from airflow_provider_payments.emulator.core.clock import Clock
from airflow_provider_payments.emulator.core.faults import Faults
from airflow_provider_payments.emulator.core.options import Options
from airflow_provider_payments.emulator.core.rate_limit import RateLimit
from airflow_provider_payments.emulator.core.request_log import RequestLog
from airflow_provider_payments.emulator.core.sandbox import DEFAULT_SANDBOX, Sandbox
from airflow_provider_payments.emulator.core.store import Lag
from airflow_provider_payments.emulator.data_access import routes as data_access
from airflow_provider_payments.emulator.data_prep import routes as data_prep
from airflow_provider_payments.emulator.data_prep.mapping_sets import MappingSets
from airflow_provider_payments.emulator.flow_service import routes as flow_service
from airflow_provider_payments.emulator.flow_service.forced_outcomes import Outcomes
from airflow_provider_payments.emulator.flow_service.state import FlowService
from airflow_provider_payments.emulator.ims import routes as ims
from airflow_provider_payments.emulator.ims.tokens import Tokens
from airflow_provider_payments.emulator.samples.vendors import Vendors
from airflow_provider_payments.emulator.sandboxes import routes as sandbox_management
from airflow_provider_payments.emulator.schema_registry import routes as schema_registry
from airflow_provider_payments.emulator.schema_registry.registry import Registry

SANDBOX_NAMES = (DEFAULT_SANDBOX, "dev")


class SandboxServices:
    """The state of the services in one sandbox; sandboxes are isolated from each other."""

    def __init__(self, sandbox: Sandbox, vendors: Vendors, outcomes: Outcomes) -> None:
        self.sandbox = sandbox
        self.registry = Registry(sandbox, self._has_dataset)
        self.catalog = Catalog(sandbox, self.registry)
        self.mapping_sets = MappingSets(sandbox, self.registry, self.catalog.read_sample)
        self.flow_service = FlowService(sandbox, self.registry, self.catalog, self.mapping_sets, vendors, outcomes)

    def _has_dataset(self, schema_ids: Collection[str]) -> bool:
        return bool(self.catalog.datasets.find("schema", schema_ids))


class Organisation:
    """The emulated organisation.

    :param origin: the address of all services, with which links in answers begin.
    """

    def __init__(self, options: Options, origin: str = "http://127.0.0.1") -> None:
        self.options = options
        self.origin = origin
        # Tokens survive a reset, because the identity service does not belong to the platform. They read the clock and
        # the options through functions, because a reset replaces both.
        self.tokens = Tokens(options, lambda: self.clock.now(), lambda: self.runtime_options.token_seconds)  # noqa: PLW0108
        self.faults = Faults()
        self.reset()

    def reset(self, start: float | None = None) -> None:
        """Return to the initial state: no faults, an empty request log, the rate limit and options of the start.

        :param start: the new time of a manual clock, in epoch seconds; the machine's time unless given.
        """
        self.clock = Clock(self.options.time, start)
        self.log = RequestLog()
        self.outcomes = Outcomes()
        self.faults.discarded.set()
        self.faults = Faults()
        self.runtime_options = replace(self.options.runtime)
        self.lag = Lag(self.clock, self.runtime_options)
        self.rate_limit = RateLimit(self.clock, self.options.rate_limit)
        self.vendors = Vendors(self.clock)
        self.sandboxes = {name: self._sandbox(name) for name in SANDBOX_NAMES}
        self.services = {
            name: SandboxServices(sandbox, self.vendors, self.outcomes) for name, sandbox in self.sandboxes.items()
        }

    def _sandbox(self, name: str) -> Sandbox:
        return Sandbox(name, self.origin, self.options, self.runtime_options, self.clock, self.lag)


@dataclass(frozen=True, slots=True)
class Service(Generic[State]):
    """A service under its prefix.

    :param name: the service's name in the options of behaviour.
    :param state: returns the state for the handlers, from the organisation and the name of the request's sandbox.
    :param behind_gateway: whether requests pass through the gateway.
    """

    name: str
    prefix: str
    routes: Routes[State]
    dialect: Dialect
    state: Callable[[Organisation, str], State]
    behind_gateway: bool = True


def _in_sandbox(
    name: str, prefix: str, routes: Routes[State], dialect: Dialect, state: Callable[[SandboxServices], State]
) -> Service[State]:
    return Service(name, prefix, routes, dialect, lambda organisation, sandbox: state(organisation.services[sandbox]))


SERVICES: tuple[Service[Any], ...] = (
    _in_sandbox(
        "flow_service",
        flow_service.PREFIX,
        flow_service.ROUTES,
        flow_service.DIALECT,
        lambda services: services.flow_service,
    ),
    _in_sandbox(
        "schema_registry",
        schema_registry.PREFIX,
        schema_registry.ROUTES,
        schema_registry.DIALECT,
        lambda services: services.registry,
    ),
    _in_sandbox("catalog", catalog.PREFIX, catalog.ROUTES, catalog.DIALECT, lambda services: services.catalog),
    _in_sandbox(
        "data_prep", data_prep.PREFIX, data_prep.ROUTES, data_prep.DIALECT, lambda services: services.mapping_sets
    ),
    _in_sandbox(
        "data_access", data_access.PREFIX, data_access.ROUTES, data_access.DIALECT, lambda services: services.catalog
    ),
    Service(
        "sandboxes",
        sandbox_management.PREFIX,
        sandbox_management.ROUTES,
        sandbox_management.DIALECT,
        lambda organisation, _: tuple(organisation.sandboxes.values()),
    ),
    Service("ims", "/ims", ims.ROUTES, ims.DIALECT, lambda organisation, _: organisation.tokens, behind_gateway=False),
)
