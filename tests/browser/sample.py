"""The sample data of the page's tests: runs of shops in two sandboxes, and malformed values."""

from __future__ import annotations

from typing import Any

from tests.browser.page_airflow import PageAirflow, asset, dataset_of, history, moment

__all__ = ["MARKUP", "SHOPS", "store_sample"]

#: Number of shops, which is more than a screen shows.
SHOPS = 24
#: A name that runs a script if it becomes markup.
MARKUP = '<img src=x onerror="window.broken = 1">'
#: Extras of events that name no flow run.
NO_RUNS: list[dict[str, Any]] = [{}, {"run_id": None}, {"run_id": {"id": 7}}, {"payload": [1]}, {"payload": "run"}]
#: An extra that names a run, whose other members are malformed, and whose dataflow's id is the URI of a dataset.
STRANGE: dict[str, Any] = {
    "run_id": "strange",
    "status": {"is": "good"},
    "output_records": "many",
    "failed_records": -3,
    "completed_at": "yesterday",
    "flow_id": f"aep://ACME/prod/{dataset_of('Payments of shop 1')}",
    "flow_name": MARKUP,
}


def store_sample(airflow: PageAirflow) -> None:
    """Store the sample in an Airflow."""
    shops = [
        asset(f"Payments of shop {n}", history(f"flow-{n}", f"Square payments {n}", 25), sandbox=sandbox_of(n))
        for n in range(SHOPS)
    ]
    both = [*history("refunds", "Square refunds", 5), *history("disputes", "Square disputes", 4)]
    strange = [{**extra, "hours": 3 - n / 4} for n, extra in enumerate([*NO_RUNS, STRANGE])]
    others = [asset("Refunds and disputes", both), asset(MARKUP, strange), asset("Not run yet", [])]
    airflow.store_events([*shops, *others])
    for failure in failures():
        airflow.push("wait", flow_run=failure)
    airflow.push("wait_for_payouts", flow_run=payouts())
    airflow.push("check", dataflows=[], return_value=health())


def sandbox_of(shop: int) -> str:
    """Return the sandbox of a shop; every third one is in ``dev``."""
    return "prod" if shop % 3 else "dev"


def failures() -> list[Any]:
    """Return the XComs that the task ``wait`` pushed before it failed, oldest first."""
    return [
        "no object",
        {"run_id": 5, "status": "failed"},
        failure(3, 30, codes="MAPPER-3700 (40)", page="https://elsewhere.example/login"),
        failure(2, 1.2, status="failed", output_records=None, failed_records=None, codes=None),
        failure(2, 0.1, codes="MAPPER-3107 (512), DCVS-1106 (88)", page="javascript:window.broken = 1"),
    ]


def failure(shop: int, hours: float, **members: Any) -> dict[str, Any]:
    """Return a run of a shop that lost more than half of its records."""
    found = {
        "run_id": f"failed-{shop}-{hours}",
        "flow_id": f"flow-{shop}",
        "flow_name": f"Square payments {shop}",
        "status": "partial",
        "input_records": 1000,
        "output_records": 400,
        "failed_records": 600,
        "completed_at": moment(hours),
        "dataset_id": dataset_of(f"Payments of shop {shop}"),
        "dataset_name": f"Payments of shop {shop}",
        "sandbox": sandbox_of(shop),
        "org_id": "ACME@AdobeOrg",
        "reason": "600 of 1000 records failed",
        "page": f"https://experience.adobe.com/#/sname:prod/platform/source/dataflows/flow-{shop}",
    }
    return {name: value for name, value in (found | members).items() if value is not None}


def payouts() -> dict[str, Any]:
    """Return a run of a dataflow about which nothing else is known."""
    reason = "CONNECTOR-1001-500: Errors occurred while the data was copied from the source."
    return {"run_id": "p", "flow_id": "payouts", "flow_name": "Stripe payouts", "status": "failed", "reason": reason}


def health() -> dict[str, Any]:
    """Return a health check of the first five shops' dataflows, one of them stale, and of a draft."""
    late = [{"code": "stale", "text": "no successful run for 30 min; 10 min is the limit"}]
    flows: list[Any] = [
        {
            "id": f"flow-{n}",
            "name": f"Square payments {n}",
            "state": "enabled",
            "healthy": n != 4,
            "problems": late if n == 4 else [],
            "last_success_at": moment(0.5),
            "max_age_seconds": 600 if n == 4 else 7200,
        }
        for n in range(5)
    ]
    draft = [{"code": "draft", "text": "it is a draft, which never runs; publish it"}]
    flows.append({"id": "draft", "name": "Square loyalty", "state": "draft", "healthy": False, "problems": draft})
    return {"format": 1, "sandbox": "prod", "org_id": "ACME@AdobeOrg", "dataflows": [*flows, "no object", {"name": 3}]}
