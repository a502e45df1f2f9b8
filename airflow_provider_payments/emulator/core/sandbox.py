"""A sandbox as services see it: its name, options and time, without what the services hold for it."""

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
    :param lag: how far lists and reads are behind writes, in all sandboxes.
    :param id: the same for the same name and organisation.
    :param created: epoch seconds.
    :param is_hidden: whether the credential has no access to it.
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
        """The object whose name no new object may take; None where it may, or where nothing has the name.

        :param kind: of the objects in the store.
        """
        if name is None or self.runtime_options.names[kind] == TWICE:
            return None
        return next(iter(store.find("name", (name,))), None)
