"""The estimate of the platform's time from dates that any intermediary may have changed, and unreadable dates."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.http.clock import Clock, PlatformClock
from airflow_provider_payments.aep.http.retries import MAX_RETRY_AFTER_SECONDS, parse_date, parse_retry_after
from tests.aep.chain import FLOW_SERVICE, LAKE_SPEC
from tests.conftest import Emulator
from tests.fault_proxy import FaultProxy

FLOWS = f"{FLOW_SERVICE}/flows"
CONNECTIONS = f"{FLOW_SERVICE}/connections"
LAKE = {"name": "lake", "connectionSpec": {"id": LAKE_SPEC, "version": "1.0"}}
HOUR = 3600.0
#: Epoch seconds of the years 1 and 9999.
FIRST, LAST = -62135596800.0, 253402300799.0
ANY = st.floats(FIRST, LAST)
#: By how many seconds correct dates may differ.
JITTER = st.floats(-2.0, 2.0)


def clock() -> PlatformClock:
    """A platform clock on a local clock that stands still."""
    return PlatformClock(Clock(monotonic=lambda: 1000.0))


@given(
    truth=st.floats(0.0, 4e9),
    honest=st.lists(JITTER, min_size=5, max_size=5),
    wrong=st.lists(ANY, min_size=4, max_size=4),
    order=st.permutations(range(9)),
)
@example(truth=1.8e9, honest=[0.0] * 5, wrong=[LAST] * 4, order=list(range(9)))
@example(truth=1.8e9, honest=[0.0] * 5, wrong=[FIRST, FIRST, LAST, LAST], order=list(range(9)))
def test_four_wrong_dates_of_nine_do_not_change_the_time(
    truth: float, honest: list[float], wrong: list[float], order: list[int]
) -> None:
    dates = [truth + jitter for jitter in honest] + wrong
    platform = clock()
    for index in order:
        platform.observe(dates[index])
    assert min(dates[:5]) - 1e-3 <= platform.now() <= max(dates[:5]) + 1e-3


@given(before=st.lists(ANY, max_size=20), honest=st.lists(JITTER, min_size=9, max_size=9))
def test_wrong_dates_have_no_effect_after_nine_answers(before: list[float], honest: list[float]) -> None:
    platform = clock()
    for date in before + [1.8e9 + jitter for jitter in honest]:
        platform.observe(date)
    assert abs(platform.now() - 1.8e9) <= 2.001


@given(dates=st.lists(ANY, min_size=1, max_size=2))
def test_of_one_or_two_dates_the_nearest_to_local_time_counts(dates: list[float]) -> None:
    platform = clock()
    for date in dates:
        platform.observe(date)
    assert platform.now() == pytest.approx(min(dates, key=lambda date: abs(date - time.time())), abs=1e-3)


def test_without_any_answer_the_time_is_local() -> None:
    assert clock().now() == pytest.approx(time.time(), abs=1.0)
    assert clock().ahead() == pytest.approx(0.0, abs=1.0)


@pytest.fixture
def proxied(make_client: Callable[..., Client], proxy: FaultProxy) -> Client:
    """A client that has its token and reaches the emulator through the failing proxy."""
    client = make_client(proxy.url)
    client.credential.token()
    return client


WRONG = {
    "an hour ahead": lambda: format_datetime(datetime.fromtimestamp(time.time() + HOUR, UTC), usegmt=True),
    "an hour back": lambda: format_datetime(datetime.fromtimestamp(time.time() - HOUR, UTC), usegmt=True),
    "the year 9999": lambda: "Fri, 31 Dec 9999 23:59:59 GMT",
    "the year 1": lambda: "Mon, 01 Jan 0001 00:00:00 GMT",
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("turn", [0, 1, 5], ids=["first", "second", "sixth"])
def test_one_wrong_date_does_not_change_the_time(
    turn: int, wrong: Callable[[], str], proxied: Client, proxy: FaultProxy, emulator: Emulator
) -> None:
    for answer in range(10):
        if answer == turn:
            page = {"status": 200, "body": b'{"items": []}', "headers": {"Date": wrong()}}
            proxy.fault("GET", FLOWS, **page)  # type: ignore[arg-type]
        proxied.get(FLOWS)
        if answer > 0:
            assert abs(proxied.transport.now() - emulator.control("GET", "clock")["now"]) < 2.0


# ---- unreadable dates ----------------------------------------------------------------------------------------------

ODD = {
    "ISO 8601": "2026-03-01T12:00:00Z",
    "words": "tomorrow, perhaps",
    "without a zone": "Sun, 01 Mar 2026 12:01:00 -0000",
    "a zone of days": "Sun, 01 Mar 2026 12:01:00 +9959",
    "digits without end": "9" * 60_000,
    "a date without end": "Sun, 01 Mar 2026 12:00:00 GMT " * 2000,
    "commas": "," * 500,
    "bytes": "\xb2\xff\xb9",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("header", ["Date", "Retry-After"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unreadable_date_header_is_ignored(
    method: str, header: str, odd: str, proxied: Client, proxy: FaultProxy, naps: list[float]
) -> None:
    proxied.get(FLOWS)
    estimate = proxied.transport.now()
    path, body = (FLOWS, None) if method == "GET" else (CONNECTIONS, LAKE)
    proxy.fault(method, path, status=429, headers={header: odd})
    assert proxied.request(method, path, body=body).status in (200, 201)
    assert 0.5 <= naps[0] <= 1.0  # the back-off without a header
    assert abs(proxied.transport.now() - estimate) <= 2.0


DATES = st.text(max_size=60) | st.datetimes().map(lambda d: format_datetime(d.replace(tzinfo=UTC), usegmt=True))
ZONED = st.builds(
    "{}, {} {} {} {}:{}:{} {}{}".format,
    st.sampled_from(["Mon", "x", ""]),
    st.integers(-1, 40),
    st.sampled_from(["Jan", "Feb", "Foo"]),
    st.integers(-1, 10_001),
    st.integers(0, 30),
    st.integers(0, 70),
    st.integers(0, 70),
    st.sampled_from(["+", "-", "GMT"]),
    st.integers(0, 10_000),
)


@given(DATES | ZONED | st.integers().map(str) | st.floats().map(str), st.floats(FIRST, LAST))
def test_any_text_is_read_as_a_date_or_none(text: str, now: float) -> None:
    date = parse_date(text)
    assert date is None or FIRST - 86400 <= date <= LAST + 86400
    seconds = parse_retry_after(text, now)
    assert seconds is None or 0.0 <= seconds <= MAX_RETRY_AFTER_SECONDS
