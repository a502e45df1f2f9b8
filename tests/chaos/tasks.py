"""The steps of the chain, and attempts of a task: as in Airflow, each has a new client and a new token."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.http.auth import ClientCredentials
from airflow_provider_payments.aep.http.transport import Clock, Transport
from airflow_provider_payments.exceptions import ExperiencePlatformUnavailableError
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.base import CreateOperator
from airflow_provider_payments.operators.connections import (
    CreateSourceConnectionOperator,
    CreateTargetConnectionOperator,
)
from airflow_provider_payments.operators.dataflows import CreateDataflowOperator, FindFlowSpecOperator
from airflow_provider_payments.operators.datasets import CreateTargetDatasetOperator
from airflow_provider_payments.operators.mappings import CreateMappingSetOperator
from airflow_provider_payments.operators.schemas import CreateTargetSchemaOperator
from tests.aep.dataflows.observed_credential import ObservedCredential
from tests.chaos.timeline import Timeline
from tests.operators.chain import TaskInstance, build

Results = Mapping[str, dict[str, Any]]

#: A table without bad rows that does not grow, so that the rows that must be ingested are known.
TABLE = "PayPal.Billing_Plans_Payment_Definition"
COLUMNS = ["Id", "Name", "Create_Time"]
FIELDS = {"payment.name": "string", "payment.createTime": "date-time"}
MAPPINGS = {
    "_id": "Id",
    "_{TENANT_ID}.payment.name": "Name",
    "_{TENANT_ID}.payment.createTime": "Create_Time",
}
SETTLE_SECONDS, DATAFLOW_SETTLE_SECONDS = 10.0, 50.0
#: Virtual seconds of waits, and number of points, after which an attempt counts as one that never ends.
MAX_WAIT_SECONDS, MAX_POINTS = 7200.0, 1500

STEPS: dict[str, tuple[type[BaseOperator], Callable[[Results], dict[str, Any]]]] = {
    "find_flow_spec": (FindFlowSpecOperator, lambda done: {}),
    "create_source_connection": (CreateSourceConnectionOperator, lambda done: {"table": TABLE, "columns": COLUMNS}),
    "create_target_schema": (CreateTargetSchemaOperator, lambda done: {"fields": FIELDS}),
    "create_target_dataset": (
        CreateTargetDatasetOperator,
        lambda done: {"schema_id": done["create_target_schema"]["id"]},
    ),
    "create_target_connection": (
        CreateTargetConnectionOperator,
        lambda done: {
            "dataset_id": done["create_target_dataset"]["id"],
            "schema_id": done["create_target_schema"]["id"],
        },
    ),
    "create_mapping_set": (
        CreateMappingSetOperator,
        lambda done: {"schema_id": done["create_target_schema"]["id"], "mappings": MAPPINGS},
    ),
    "create_dataflow": (
        CreateDataflowOperator,
        lambda done: {
            "source_connection_id": done["create_source_connection"]["id"],
            "target_connection_id": done["create_target_connection"]["id"],
            "mapping_set_id": done["create_mapping_set"]["id"],
            "mapping_set_version": done["create_mapping_set"]["version"],
            "flow_spec": done["find_flow_spec"],
        },
    ),
}

_serial = itertools.count()


class Killed(BaseException):
    """Stands for SIGKILL when writers are threads of one process; the provider does not catch a BaseException."""


class Endless(BaseException):
    """Ends an attempt that exceeds the limits of waits or points."""


@dataclass
class Pace:
    """
    The virtual time of an attempt: requests take time, waits are counted, and the attempt may be killed at one point.

    There is a point before each request and before each wait.

    :param kill_at: the number of the point at which the attempt is killed; None for no kill.
    :param kill: kills the attempt.
    :param jumps: the probability that the platform's clock jumps before a request, by a minute to a day.
    :param points: the number of points so far.
    :param waits: the numbers of the points that are before a wait.
    :param waited: the virtual seconds of all waits so far.
    """

    timeline: Timeline
    random: Random
    kill_at: int | None = None
    kill: Callable[[], None] = lambda: None
    jumps: float = 0.0
    points: int = 0
    waits: set[int] = field(default_factory=set)
    waited: float = 0.0

    def point(self) -> None:
        if self.points == self.kill_at:
            self.kill()
        self.points += 1
        if self.waited > MAX_WAIT_SECONDS or self.points > MAX_POINTS:
            raise Endless

    def request(self) -> None:
        self.point()
        self.timeline.sleep(self.random.uniform(0.05, 0.3))
        if self.random.random() < self.jumps:
            self.timeline.jump(60 * 1440 ** self.random.random())

    def sleep(self, seconds: float) -> None:
        self.waits.add(self.points)
        self.point()
        self.waited += seconds
        self.timeline.sleep(seconds)


def make_client(pace: Pace, *, marks: bool = True) -> Client:
    """Return a new client in virtual time, without a token, like that of a process that has just started."""
    timeline = pace.timeline
    url = timeline.platform.url
    transport = Transport(connect_timeout=5, read_timeout=20, clock=Clock(lambda: timeline.now, pace.sleep))
    credential = ClientCredentials(
        client_id="emulator-client",
        client_secret="emulator-secret",
        transport=transport,
        ims_url=url,
        # Scopes are part of a credential's identity: no two attempts share a token.
        scopes=f"openid,acp.chaos-{os.getpid()}-{next(_serial)}",
    )
    return Client(
        org_id="EMULATOR@AdobeOrg",
        sandbox="dev",
        # Each request lets virtual time pass.
        credential=ObservedCredential(credential, pace.request),
        transport=transport,
        url=url,
        settle_seconds=SETTLE_SECONDS,
        dataflow_settle_seconds=DATAFLOW_SETTLE_SECONDS,
        marks=marks,
    )


@dataclass(frozen=True)
class AttemptEnd:
    """
    The end of an attempt.

    :param status: ``done``, ``retry``, ``failed`` (Airflow would not retry), ``killed``, ``endless`` or ``crashed``.
    :param value: the return value of the task.
    :param message: the message of the error.
    :param retry_after: the seconds of the service's ``Retry-After``; None if there was none.
    """

    status: str
    value: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    retry_after: float | None = None


def execute(task: Any, pace: Pace, run_id: str, try_number: int) -> AttemptEnd:
    """Execute an operator as one try of its task; return any end, unless this process is killed."""
    random.seed(pace.random.random())  # the jitter of the transport's waits
    task.hook = ExperiencePlatformHook()
    task.hook.client = make_client(pace)
    context: Any = {"ti": TaskInstance(try_number), "run_id": run_id}
    try:
        value = dict(task.execute(context))
        pace.point()
    except ExperiencePlatformUnavailableError as error:
        return AttemptEnd("retry", message=str(error), retry_after=error.retry_after)
    except AirflowFailException as error:
        return AttemptEnd("failed", message=str(error))
    except Killed:
        return AttemptEnd("killed")
    except Endless:
        return AttemptEnd("endless")
    except Exception as error:  # a verdict reports any other error as a crash
        return AttemptEnd("crashed", message=f"{type(error).__name__}: {error}")
    return AttemptEnd("done", value)


@dataclass(frozen=True)
class Attempt:
    """One attempt of a task."""

    step: str
    run_id: str
    try_number: int
    done: Results
    retry_delay: float
    remove_duplicates: bool

    def run(self, pace: Pace) -> AttemptEnd:
        """Execute the operator."""
        operator, arguments = STEPS[self.step]
        common: dict[str, Any] = {"retry_delay": timedelta(seconds=self.retry_delay)}
        if issubclass(operator, CreateOperator):
            common["remove_duplicates"] = self.remove_duplicates
        return execute(build(operator, **arguments(self.done), **common), pace, self.run_id, self.try_number)
