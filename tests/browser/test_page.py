"""The page in a browser, with a real Airflow below a prefix."""

from __future__ import annotations

import json
import re

import pytest

from tests.browser.chromium import Browser
from tests.browser.page_airflow import DAG_ID, PageAirflow
from tests.browser.sample import MARKUP, SHOPS
from tests.browser.steps import ROW, SETTLED, enter, show, shown
from tests.fault_proxy import FaultProxy

END, LEFT, TAB = "\ue010", "\ue012", "\ue004"


def test_the_first_screen_shows_freshness_runs_and_failures(browser: Browser, airflow: PageAirflow) -> None:
    show(browser, airflow.page)
    summary = browser.text("#summary")
    assert f"{SHOPS + 3} datasets · 6 failed runs in 30 days · health check" in summary
    assert "4 of 6 healthy" in summary
    failing = browser.run(ROW, "Payments of shop 2")
    assert "MAPPER-3107 (512), DCVS-1106 (88)" in failing
    assert "600 of 1,000 failed" in failing
    # The URL that the task pushed must not become a link.
    page = "return [...document.querySelectorAll('tbody .failure a[target=_blank]')][0].href"
    assert browser.run(page) == "https://experience.adobe.com/#/sname:prod/platform/source/dataflows/flow-2"
    assert re.search(r"\b\d min ago fresh", " ".join(failing.split()))
    # Rows whose last announcement is a failure come first.
    assert [name.splitlines()[0] for name in shown(browser)[:2]] == ["Payments of shop 2", "Stripe payouts"]
    labels = browser.run("return [...document.querySelectorAll('tbody')[0].querySelectorAll('.bar')].map(b => b.title)")
    assert len(labels) == 20
    assert labels[-1].endswith("partial, 400 ingested, 600 failed")
    assert browser.errors() == []


def test_rows_below_the_screen_are_read_when_scrolled_to(browser: Browser, proxy: FaultProxy) -> None:
    show(browser, f"{proxy.url}/airflow/payments-page/", height=800)
    waiting, rows = browser.run("return ['.waiting', 'tbody'].map((each) => document.querySelectorAll(each).length)")
    assert waiting > SHOPS // 2
    # Some rows are dataflows without a dataset, and have no events.
    assert proxy.count("GET", "/assets/events") <= rows - waiting
    assert len(proxy.asked) <= 26
    browser.run("window.scrollTo(0, document.body.scrollHeight)")
    browser.wait_for("return document.querySelector('main').innerText.includes('Square disputes')")
    browser.wait_for(SETTLED)
    assert proxy.count("GET", "/assets/events") > rows - waiting
    assert browser.errors() == []


def test_inside_airflow_links_leave_the_frame_and_the_theme_follows(browser: Browser, airflow: PageAirflow) -> None:
    browser.set_dark(True)
    browser.open(f"{airflow.url}/plugin/payments")
    browser.enter_frame()
    browser.wait_for(SETTLED)
    assert browser.run("return document.documentElement.dataset.theme") == "dark"
    browser.run("parent.document.documentElement.classList.remove('dark')")
    browser.wait_for("return document.documentElement.dataset.theme === 'light'")
    browser.run("document.querySelector('.failure a[target=_top]').click()")
    browser.leave_frame()
    task = f"{airflow.url}/dags/{DAG_ID}/runs/test__"
    browser.wait_for("return location.href.startsWith(arguments[0])", task)
    assert browser.run("return location.pathname").endswith("/tasks/wait")


def test_the_page_is_dark_in_a_separate_tab_too(browser: Browser, airflow: PageAirflow) -> None:
    browser.set_dark(True)
    show(browser, airflow.page)
    red = int(browser.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"))
    assert red < 40


def test_a_narrow_page_does_not_scroll_horizontally(browser: Browser, airflow: PageAirflow) -> None:
    # Chromium's window is at least 500 pixels wide, so the page is shown in a narrower frame.
    browser.open(f"{airflow.url}/api/v2/version", width=500)
    frame = "document.body.innerHTML = `<iframe src=${arguments[0]} style='width: 400px; height: 700px; border: 0'>`"
    browser.run(frame, airflow.page)
    browser.enter_frame()
    browser.wait_for(SETTLED)
    assert browser.run("return [innerWidth, document.documentElement.scrollWidth <= innerWidth]") == [400, True]
    lefts = "[...document.querySelector('tbody tr').children].map((cell) => cell.getBoundingClientRect().left)"
    assert len(set(browser.run(f"return {lefts}"))) == 1


def test_filters_find_rows_that_have_not_been_scrolled_to(browser: Browser, airflow: PageAirflow) -> None:
    show(browser, airflow.page)
    enter(browser, "text", "square PAYMENTS 23")
    assert [name.splitlines()[0] for name in shown(browser)] == ["Payments of shop 23"]
    enter(browser, "text", "dcvs-1106")
    assert [name.splitlines()[0] for name in shown(browser)] == ["Payments of shop 2"]
    enter(browser, "text", "")
    enter(browser, "sandbox", "dev")
    assert [name for name in shown(browser) if "dev" not in name] == []
    assert len(shown(browser)) == SHOPS // 3
    enter(browser, "sandbox", "")
    enter(browser, "problems", True)
    left = " ".join(shown(browser))
    assert "Payments of shop 2" in left
    assert "Payments of shop 4" in left
    assert "Square loyalty" in left
    assert "Payments of shop 1\n" not in left
    enter(browser, "problems", False)
    # One dataset has two dataflows, and two dataflows have no dataset.
    assert len(shown(browser)) == SHOPS + 3 + 1 + 2


def test_health_shows_late_dataflows_and_those_without_announcements(browser: Browser, airflow: PageAirflow) -> None:
    show(browser, airflow.page)
    enter(browser, "text", "square")
    late = " ".join(browser.run(ROW, "Payments of shop 4").split())
    assert re.search(r"\b[23]\d min ago late limit 10 min", late)
    # Problems that the runs show are not repeated; other problems are shown.
    assert "no successful run" not in browser.text("main")
    assert "it is a draft" in browser.run(ROW, "Square loyalty")
    # A dataflow whose dataset becomes known is listed only once.
    assert len([name for name in shown(browser) if "Square payments 4" in name]) == 1
    assert len([name for name in shown(browser) if "Refunds and disputes" in name]) == 2


def test_a_failure_before_a_later_success_is_called_recovered(browser: Browser, airflow: PageAirflow) -> None:
    show(browser, airflow.page)
    enter(browser, "runs", "100")
    enter(browser, "text", "mapper-3700")
    # Only a search reads the older failures.
    browser.wait_for("return document.querySelectorAll('tbody:not([hidden]) .bar').length === 26")
    row = browser.run(ROW, "Payments of shop 3")
    assert "recovered since" in row
    # A task may push any URL as the dataflow's page.
    assert "elsewhere.example" in row
    assert "Experience Platform" not in row


def test_a_hundred_runs_are_shown_on_request(browser: Browser, airflow: PageAirflow) -> None:
    show(browser, airflow.page)
    enter(browser, "text", "square payments 7")
    count = "return document.querySelectorAll('tbody:not([hidden]) .bar').length"
    assert browser.run(count) == 20
    enter(browser, "runs", "100")
    assert browser.run(count) == 25


def test_names_stay_text_and_script_urls_are_no_links(browser: Browser, airflow: PageAirflow) -> None:
    show(browser, airflow.page)
    enter(browser, "text", "window.broken")
    (name,) = shown(browser)
    assert name.count(MARKUP) == 2
    row = browser.run(ROW, MARKUP)
    assert "5 events without a flow run" in row
    assert browser.run("return document.querySelectorAll('img').length") == 0
    assert browser.run("return window.broken ?? 'whole'") == "whole"
    assert browser.run("return document.querySelectorAll(\"a[href^='javascript']\").length") == 0
    (label,) = browser.run("return [...document.querySelectorAll('tbody:not([hidden]) .bar')].map(b => b.title)")
    assert label.endswith("unknown, counts unknown")
    enter(browser, "text", "payments of shop 1")
    assert "Payments of shop 1" in {name.splitlines()[0] for name in shown(browser)}
    assert browser.errors() == []


def test_bars_are_one_tab_stop_and_arrow_keys_move_in_them(browser: Browser, airflow: PageAirflow) -> None:
    show(browser, airflow.page)
    focused = "const a = document.activeElement; return [a.className, a.ariaLabel, a.href]"
    browser.run("document.querySelector('tbody .bar[tabindex=\"0\"]').focus()")
    kind, last, _ = browser.run(focused)
    browser.press(LEFT)
    _, before, address = browser.run(focused)
    assert kind.startswith("bar")
    assert last != before
    assert f"/dags/{DAG_ID}/runs/" in address
    browser.press(END)
    assert browser.run(focused)[1] == last
    browser.press(TAB)
    assert not browser.run(focused)[0].startswith("bar")


def test_without_events_the_page_explains_outlets(browser: Browser, proxy: FaultProxy) -> None:
    nothing = {"assets": [], "xcom_entries": [], "total_entries": 0}
    proxy.fault("GET", "/api/v2/", reply=lambda _: (200, json.dumps(nothing).encode()), times=99)
    show(browser, f"{proxy.url}/airflow/payments-page/")
    assert "outlets=[AssetAlias(" in browser.text("main")
    assert browser.text("#summary") == "0 datasets · 0 failed runs in 30 days"


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("nobody", "lacks the permission “can read on Assets” and “can read on Asset Aliases”"),
        ("", "You are not logged in to Airflow. Log in"),
    ],
    ids=["no-permission", "no-login"],
)
def test_a_user_without_permission_reads_the_reason(
    browser: Browser, airflow: PageAirflow, user: str, expected: str
) -> None:
    browser.log_in(airflow.url, airflow.token(user) if user else "")
    show(browser, airflow.page)
    assert expected in browser.text("#notices")
    assert browser.run("return document.querySelectorAll('tbody').length") == 0
    assert browser.errors() == []


def test_without_the_permission_for_xcoms_announced_runs_are_shown(browser: Browser, proxy: FaultProxy) -> None:
    proxy.fault("GET", "xcomEntries", status=403, times=99)
    show(browser, f"{proxy.url}/airflow/payments-page/")
    assert "“can read on XComs”: failed runs and health checks are not shown." in browser.text("#notices")
    assert browser.run("return document.querySelectorAll('.bar').length") >= 60


def test_a_failed_run_that_cannot_be_read_hides_no_other(browser: Browser, proxy: FaultProxy) -> None:
    proxy.fault("GET", "/xcomEntries/flow_run", status=503)
    show(browser, f"{proxy.url}/airflow/payments-page/")
    assert "Airflow answered 503" in browser.text("#notices")
    assert "some failed runs are not shown." in browser.text("#notices")
    assert "6 failed runs in 30 days" in browser.text("#summary")
    assert browser.run("return document.querySelectorAll('.failure').length") > 0


def test_a_health_check_that_cannot_be_read_hides_no_other(
    browser: Browser, airflow: PageAirflow, proxy: FaultProxy
) -> None:
    found = airflow.api("GET", "dags/~/dagRuns/~/taskInstances/~/xcomEntries?xcom_key=dataflows")
    (readable,) = found["xcom_entries"]
    unreadable = readable | {"task_id": "wait_for_refunds"}
    listed = {"xcom_entries": [unreadable, readable], "total_entries": 2}
    proxy.fault("GET", "xcom_key=dataflows", reply=lambda _: (200, json.dumps(listed).encode()))
    proxy.fault("GET", "wait_for_refunds/xcomEntries/return_value", status=503)
    show(browser, f"{proxy.url}/airflow/payments-page/")
    assert "Airflow answered 503" in browser.text("#notices")
    assert "some health checks are not shown." in browser.text("#notices")
    assert "4 of 6 healthy" in browser.text("#summary")


def test_a_row_that_could_not_be_read_can_be_read_again(browser: Browser, proxy: FaultProxy) -> None:
    proxy.fault("GET", "/assets/events", status=503)
    show(browser, f"{proxy.url}/airflow/payments-page/")
    assert "Airflow answered 503" in browser.text("main")
    browser.run("document.querySelector('main button').click()")
    browser.wait_for("return !document.querySelector('main button')")
    browser.wait_for(SETTLED)
    assert "Airflow answered 503" not in browser.text("main")
