"""The hook's methods for base connections (test, explore, preview), and the conversion of errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_payments.aep.errors import ConflictError, InvalidInputError, UnsettledError
from airflow_provider_payments.exceptions import ExperiencePlatformFailedError, ExperiencePlatformUnavailableError
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.connections import CreateBaseConnectionOperator
from tests.conftest import PAYPAL, Emulator
from tests.fault_proxy import FaultProxy
from tests.operators.chain import run

PRODUCTS = "PayPal.Catalog_Products"
COLUMNS = ["Product_Id", "Product_Name", "Description", "Type", "Create_Time"]


def test_a_base_connection_is_tested_at_the_vendor(connected: Emulator) -> None:
    assert ExperiencePlatformHook().test_base_connection(PAYPAL) is True
    assert connected.requests(method="GET")[0]["path"].endswith(f"/connections/{PAYPAL}/test")


def test_exploring_lists_the_tables(connected: Emulator) -> None:
    tables = ExperiencePlatformHook().explore_base_connection(PAYPAL)
    assert PRODUCTS in [table["path"] for table in tables]


def test_exploring_a_table_shows_its_columns(connected: Emulator) -> None:
    shape = ExperiencePlatformHook().explore_base_connection(PAYPAL, PRODUCTS)
    assert [column["name"] for column in shape["schema"]["columns"]] == COLUMNS
    assert "data" not in shape


def test_a_preview_shows_real_rows(connected: Emulator) -> None:
    rows = ExperiencePlatformHook().preview_base_connection(PAYPAL, PRODUCTS)
    assert len(rows) == 100
    assert all(list(row) == COLUMNS for row in rows)
    assert all(row["Description"].startswith(row["Product_Name"]) for row in rows)


def test_a_rest_resource_is_explored_and_previewed_by_its_path(
    connected: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", '{"conn_type": "generic", "password": "sk_test_4eC39HqLyjWDarjtT1zdp7dc"}')
    stripe = run(CreateBaseConnectionOperator, source="stripe")["id"]
    hook = ExperiencePlatformHook()
    shape = hook.explore_base_connection(stripe, resource_path="charges")["schema"]
    assert "amount" in shape["properties"]["data"]["properties"]
    rows = hook.preview_base_connection(stripe, resource_path="charges")
    assert rows
    assert all(row["data"]["id"].startswith("ch_") for row in rows)


Ask = Callable[[ExperiencePlatformHook], object]


@pytest.mark.parametrize(
    "ask",
    [
        lambda hook: hook.test_base_connection("absent"),
        lambda hook: hook.explore_base_connection("absent", PRODUCTS),
        lambda hook: hook.preview_base_connection("absent", PRODUCTS),
    ],
    ids=["test", "explore", "preview"],
)
def test_a_refusal_fails_the_task_without_a_retry(connected: Emulator, ask: Ask) -> None:
    with pytest.raises(ExperiencePlatformFailedError, match="absent") as refusal:
        ask(ExperiencePlatformHook())
    assert isinstance(refusal.value, AirflowFailException)
    (refused,) = connected.requests(status="404")
    assert "FLOW-1439-404" in str(refusal.value)
    assert f"request id {refused['request_id']}" in str(refusal.value)


@pytest.mark.parametrize("status", [429, 503], ids=str)
def test_a_temporary_error_may_be_retried_after_its_delay(
    proxy: FaultProxy, connect: Callable[..., None], status: int
) -> None:
    connect(proxy.url)
    proxy.fault("GET", "/test", status=status, headers={"Retry-After": "3600"})
    with pytest.raises(ExperiencePlatformUnavailableError, match="asks to wait 3600 s") as failure:
        ExperiencePlatformHook().test_base_connection(PAYPAL)
    assert isinstance(failure.value, AirflowException)
    assert not isinstance(failure.value, AirflowFailException)
    assert failure.value.retry_after == 3600


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidInputError("interval", 5, "15 or more"), ExperiencePlatformFailedError),
        (ConflictError("dataflow", "orders", "1"), ExperiencePlatformFailedError),
        (UnsettledError("no answer"), ExperiencePlatformUnavailableError),
    ],
    ids=["input", "conflict", "unsettled"],
)
def test_errors_without_an_answer_are_converted_too(error: Exception, kind: type[AirflowException]) -> None:
    with pytest.raises(kind) as raised, airflow_errors():
        raise error
    assert type(raised.value) is kind
    assert str(raised.value) == str(error)
    assert raised.value.__cause__ is error


def test_other_errors_are_not_converted() -> None:
    with pytest.raises(KeyError, match="other"), airflow_errors():
        raise KeyError("other")
