"""All state of the emulator: one world, with a sandbox each for what the services hold."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from airflow_provider_payments.emulator.catalog.state import Catalog
from airflow_provider_payments.emulator.core.clock import Clock
from airflow_provider_payments.emulator.core.faults import Faults
from airflow_provider_payments.emulator.core.options import Options
from airflow_provider_payments.emulator.core.rate_limit import RateLimit
from airflow_provider_payments.emulator.core.request_log import RequestLog
from airflow_provider_payments.emulator.core.store import Lag
from airflow_provider_payments.emulator.data_prep.mapping_sets import MappingSets
from airflow_provider_payments.emulator.flow_service.ordered_outcomes import Outcomes
from airflow_provider_payments.emulator.flow_service.state import FlowService
from airflow_provider_payments.emulator.ims.tokens import Tokens
from airflow_provider_payments.emulator.samples.vendors import Vendors
from airflow_provider_payments.emulator.schema_registry.registry import Registry

DEFAULT_SANDBOX = "prod"
SANDBOX_NAMES = (DEFAULT_SANDBOX, "dev")


@dataclass(slots=True)
class Readings:
    """How to read what the documents leave open, and what the credential may do.

    :param last_run_shows_active: whether a dataflow's ``lastRunDetails`` shows a run that has not ended; the documents
        know only the states ``success`` and ``failed``.
    :param queries_are_utf8: whether the platform's services read the query of an address as UTF-8; read as Latin-1,
        a filter misses every name that is not ASCII.
    :param registry_requires_if_match: whether the Schema Registry refuses a PATCH without ``If-Match``; one document
        says so, and Adobe's own samples send none.
    :param sandbox_admin: whether the credential may look at all sandboxes, not only at its own.
    """

    last_run_shows_active: bool = True
    queries_are_utf8: bool = True
    registry_requires_if_match: bool = True
    sandbox_admin: bool = False


class Sandbox:
    """What the services hold for one sandbox; sandboxes see nothing of each other.

    :param name: lower case.
    """

    # Whether the credential is no member of it.
    is_hidden = False

    def __init__(self, name: str, world: World, vendors: Vendors) -> None:
        self.name = name
        self.id = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{world.options.org}"))
        self.world = world
        self.options = world.options
        self.clock = world.clock
        self.created = world.clock.now()
        self.lag = world.lag
        self.vendors = vendors
        self.registry = Registry(self)
        self.catalog = Catalog(self)
        self.mapping_sets = MappingSets(self)
        self.flow_service = FlowService(self)


class World:
    """The emulated organisation."""

    def __init__(self, options: Options) -> None:
        self.options = options
        # Where links in answers lead; the server sets it.
        self.origin = "http://127.0.0.1"
        # Tokens outlive a reset: they belong to the identity service, which knows nothing of the platform's state.
        self.tokens = Tokens()
        self.faults = Faults()
        self.reset()

    def reset(self, start: float | None = None) -> None:
        """Back to the initial state: no faults, an empty request log, the rate limit of the start.

        :param start: where a manual clock begins again, in epoch seconds.
        """
        self.clock = Clock(self.options.time, start)
        self.lag = Lag(self.clock)
        self.log = RequestLog()
        self.outcomes = Outcomes()
        self.faults.over.set()
        self.faults = Faults()
        self.readings = Readings()
        self.rate_limit = RateLimit(self.clock, self.options.rate_limit)
        vendors = Vendors(self.clock)
        self.sandboxes = {name: Sandbox(name, self, vendors) for name in SANDBOX_NAMES}
