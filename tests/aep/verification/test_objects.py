"""The objects of a verification: what they reserve."""

from __future__ import annotations

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.verification.objects import REQUESTS_A_DELETION, Objects
from airflow_provider_payments.aep.verification.probe import Pace, Probe


def test_an_object_reserves_requests_until_it_is_deleted(client: Client) -> None:
    pace = Pace(client, 100)
    objects = Objects(Probe(client, pace), None, 1)
    made = objects.make("field_group")
    assert pace.reserve == REQUESTS_A_DELETION
    assert objects.delete(made)
    assert (pace.reserve, objects.made) == (0, [])
