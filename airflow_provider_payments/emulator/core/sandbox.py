"""A sandbox: its name, options and clock. The state of each service in the sandbox belongs to that service."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from airflow_provider_payments.emulator.core.behaviour import TWICE
from airflow_provider_payments.emulator.core.clock import Clock
from airflow_provider_payments.emulator.core.options import Options, RuntimeOptions
from airflow_provider_payments.emulator.core.store import Item, Lag, Store

DEFAULT_SANDBOX = "prod"


@dataclass(slots=True, eq=False)
class Sandbox:
    """A sandbox of the organisation.

    :param name: lower case.
    :param origin: the address of all services, with which links in answers begin.
    :param lag: how far lists and reads lag behind writes, in all sandboxes.
    :param id: derived from the name and the organisation, so it survives a reset.
    :param created: the time of creation, in epoch seconds.
    :param is_hidden: whether the credential has no access to the sandbox.
    """

    name: str
    origin: str
    options: Options
    runtime_options: RuntimeOptions
    clock: Clock
    lag: Lag
    id: str = field(init=False)
    created: float = field(init=False)
    is_hidden: bool = False

    def __post_init__(self) -> None:
        self.id = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}.{self.options.org}"))
        self.created = self.clock.now()

    def name_holder(self, kind: str, store: Store[Item], name: str | None) -> Item | None:
        """Return the object that keeps a new object from taking a name; None if the new object may take the name.

        :param kind: the kind of the objects in the store.
        """
        if name is None or self.runtime_options.names[kind] == TWICE:
            return None
        return next(iter(store.find("name", (name,))), None)
