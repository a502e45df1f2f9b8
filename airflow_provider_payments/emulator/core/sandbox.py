"""What a service knows of the sandbox that it serves."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from airflow_provider_payments.emulator.core.clock import Clock
from airflow_provider_payments.emulator.core.options import Options, RuntimeOptions
from airflow_provider_payments.emulator.core.store import Lag

DEFAULT_SANDBOX = "prod"


@dataclass(slots=True, eq=False)
class Sandbox:
    """A sandbox of the organisation, without what the services hold for it.

    :param name: lower case.
    :param origin: the address of all services, with which links in answers begin.
    :param lag: how far lists and reads are behind writes; one for the whole organisation.
    :param id: the same for the same name and organisation.
    :param created: epoch seconds.
    :param is_hidden: whether the credential is no member of it.
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
