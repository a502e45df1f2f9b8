"""Samples of row errors: at most a megabyte is read, regardless of what the service sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.errors import RequestError
from airflow_provider_payments.aep.runs.row_samples import MAX_SAMPLE_BYTES, read_samples
from tests.row_error_service import BATCH, File, line, of, row_error_service

Make = Callable[..., Client]


def test_no_more_than_a_megabyte_is_read(make_client: Make) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 10**9:
            sent += 10 * len(line(1, 1000))
            yield line(1, 1000) * 10

    with row_error_service({}, File(endless)) as service:
        found = read_samples(make_client(service.url), [BATCH])
    assert found.rows == MAX_SAMPLE_BYTES // len(line(1, 1000))
    assert found.unreadable == 0
    assert sent < 50 * MAX_SAMPLE_BYTES  # the rest fits into the sockets' buffers


def test_an_example_contains_values_and_is_kept_only_on_request(make_client: Make) -> None:
    with row_error_service({}, of(line(1), line(2))) as service:
        client = make_client(service.url)
        assert read_samples(client, [BATCH]).examples is None
        examples = read_samples(client, [BATCH], examples=True).examples or {}
    ((kind, example),) = examples.items()
    assert (kind.column, example.message.count("jo.doe@example.com")) == ("_shop.payer.email", 1)
    assert "4111111111111111" in example.record


def test_a_batch_without_samples_has_no_errors(make_client: Make) -> None:
    with row_error_service({}) as service:
        assert read_samples(make_client(service.url), [BATCH]).rows == 0
        assert service.asked == ["row_error_samples.json", "row_errors_sample.json"]


def test_a_failing_request_is_sent_as_often_as_attempts_allow(make_client: Make) -> None:
    with row_error_service({}, File(list, status=500)) as service:
        with pytest.raises(RequestError):
            read_samples(make_client(service.url), [BATCH], attempts=1)
        assert len(service.asked) == 1
