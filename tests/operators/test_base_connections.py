"""Base connections: a vendor's credential goes from an Airflow connection to the service, and nowhere else."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.connections import (
    CreateBaseConnectionOperator,
    CreateDatasetBaseConnectionOperator,
)
from tests.conftest import Emulator
from tests.operators.chain import TaskInstance, build, context, run
from tests.versions.expected import fails_on

ConnectVendor = Callable[..., None]
TOKENS = {"access_token": "token-of-the-shop", "refresh_token": "refresh-of-the-shop"}
#: Vendor -> its Airflow connection, and the values that are sent; the emulator's log redacts secrets.
VENDORS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "paypal": (
        {"host": "api.sandbox.paypal.com", "login": "client", "password": "secret-of-the-shop"},
        {
            "auth": {
                "specName": "Client-Id-Secret Based Authentication",
                "params": {"host": "api.sandbox.paypal.com", "clientId": "client", "clientSecret": "***"},
            },
            "connectionSpec": {"id": "221c7626-58f6-4eec-8ee2-042b0226f03b", "version": "1.0"},
        },
    ),
    "square": (
        {"host": "connect.squareup.com", "login": "client", "password": "secret-of-the-shop", "extra": TOKENS},
        {
            "auth": {
                "specName": "OAuth2 Refresh Code",
                "params": {
                    "host": "connect.squareup.com",
                    "clientId": "client",
                    "clientSecret": "***",
                    "accessToken": "***",
                    "refreshToken": "***",
                },
            },
            "connectionSpec": {"id": "2acf109f-9b66-4d5e-bc18-ebb2adcff8d5", "version": "1.0"},
        },
    ),
    "stripe": (
        {"password": "secret-of-the-shop"},
        {
            "auth": {"specName": "OAuth2 Refresh Code", "params": {"accessToken": "***"}},
            "connectionSpec": {"id": "cc2c31d6-7b8c-4581-b49f-5c8698aa3ab3", "version": "1.0"},
        },
    ),
}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_base_connection_is_created_once_from_the_vendors_airflow_connection(
    connected: Emulator, connect_vendor: ConnectVendor, vendor: str
) -> None:
    fields, body = VENDORS[vendor]
    connect_vendor(**fields)
    first, second = (run(CreateBaseConnectionOperator, source=vendor, description="Till") for _ in range(2))
    assert (first["created"], second["created"]) == (True, False)
    assert first["id"] == second["id"]
    assert connected.posted("/connections") == [{"name": "shop", "description": "Till"} | body]


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_vendor_receives_the_real_secret(connected: Emulator, connect_vendor: ConnectVendor, vendor: str) -> None:
    fields, _ = VENDORS[vendor]
    connect_vendor(**fields)
    right = run(CreateBaseConnectionOperator, source=vendor)
    # The emulated vendors accept every secret but this one.
    connect_vendor(**fields | {"password": "wrong", "extra": {"refresh_token": "refresh", "access_token": "wrong"}})
    wrong = run(CreateBaseConnectionOperator, source=vendor, name="other shop")
    hook = ExperiencePlatformHook()
    assert [hook.test_base_connection(created["id"]) for created in (right, wrong)] == [True, False]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_secret_is_in_no_output_rendered_field_or_log(
    connected: Emulator,
    connect_vendor: ConnectVendor,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    vendor: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    connect_vendor(**VENDORS[vendor][0])
    operator, task = build(CreateBaseConnectionOperator, source=vendor), TaskInstance()
    operator.render_template_fields({})
    returned = operator.execute(context(task))
    rendered = {name: getattr(operator, name) for name in operator.template_fields}
    assert "of-the-shop" not in json.dumps([returned, rendered, task.pushed])
    printed = capsys.readouterr().out
    assert "Created base connection 'shop'" in printed
    assert "of-the-shop" not in printed + caplog.text


@pytest.mark.parametrize(
    ("vendor", "missing", "named"),
    [
        ("paypal", {"host": None}, "host of PayPal"),
        ("paypal", {"login": None}, "clientId of PayPal"),
        ("paypal", {"password": ""}, "clientSecret of PayPal"),
        ("square", {"host": ""}, "host of Square"),
        ("square", {"extra": {"access_token": "token-of-the-shop"}}, "refreshToken of Square"),
        ("stripe", {"password": None}, "accessToken of Stripe"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_missing_parts_of_a_vendors_connection_are_named_before_any_request(
    connected: Emulator, connect_vendor: ConnectVendor, vendor: str, missing: dict[str, Any], named: str
) -> None:
    connect_vendor(**VENDORS[vendor][0] | missing)
    with pytest.raises(AirflowFailException, match=f"vendor_conn_id='shop'.*{named}") as refusal:
        run(CreateBaseConnectionOperator, source=vendor)
    assert "of-the-shop" not in str(refusal.value)
    assert connected.requests() == []


@fails_on("3.0", "3.1", reason="Airflow does not read a connection whose extra is no object, and calls it undefined")
@pytest.mark.parametrize("extra", ['["a-secret"]', '"a-secret"', "5"])
def test_a_vendors_extra_that_is_not_an_object_is_refused(
    connected: Emulator, connect_vendor: ConnectVendor, extra: str
) -> None:
    connect_vendor(**VENDORS["square"][0] | {"extra": extra})
    with pytest.raises(AirflowFailException, match=r"extra='\*\*\*' is not allowed: it must be a JSON object"):
        run(CreateBaseConnectionOperator, source="square")
    assert connected.requests() == []


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_a_vendors_token_that_is_not_text_is_refused_by_name(
    connected: Emulator, connect_vendor: ConnectVendor, name: str
) -> None:
    extra = VENDORS["square"][0]["extra"] | {name: 4711}
    connect_vendor(**VENDORS["square"][0] | {"extra": extra})
    with pytest.raises(AirflowFailException, match=rf"{name}='\*\*\*' is not allowed: in the extra it must be text"):
        run(CreateBaseConnectionOperator, source="square")
    assert connected.requests() == []


def test_a_base_connection_of_another_vendor_is_not_adopted(connected: Emulator, connect_vendor: ConnectVendor) -> None:
    connect_vendor(**VENDORS["square"][0])
    run(CreateBaseConnectionOperator, source="square")
    with pytest.raises(AirflowFailException, match=r"connectionSpec\.id: desired 'cc2c31d6.*actual '2acf109f"):
        run(CreateBaseConnectionOperator, source="stripe")
    assert len(connected.posted("/connections")) == 1


def test_a_dataset_base_connection_is_created_once(connected: Emulator) -> None:
    first, second = (run(CreateDatasetBaseConnectionOperator) for _ in range(2))
    assert (first["created"], second["created"], first["id"]) == (True, False, second["id"])
    assert connected.posted("/connections") == [
        {"name": "data lake", "connectionSpec": {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}}
    ]
