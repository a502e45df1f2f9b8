"""The commands, tables, examples and links of README and manual are right."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_payments.pytest_plugin import ExperiencePlatform

REPOSITORY = Path(__file__).parent.parent
DOCS = REPOSITORY / "airflow_provider_payments" / "docs"
PAGES = {path: path.read_text() for path in (REPOSITORY / "README.md", *sorted(DOCS.glob("*.md")))}
CI = (REPOSITORY / ".ci" / "run").read_text()
#: Commands that CI does not take from a document: their start -> a text of the CI script or a path that runs them.
ELSEWHERE = {
    "pip install .": "tests/versions/noxfile.py",
    'pip install -q "nox[uv]"': "tests/versions/noxfile.py",
    "payments-emulator --port 8900": "payments-emulator --port",
    "export AIRFLOW_CONN_AEP_DEFAULT": "tests/",
}


def blocks(language: str) -> list[str]:
    return [
        block
        for page in PAGES.values()
        for block in re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    ]


def page(name: str) -> str:
    return PAGES[DOCS / f"{name}.md"]


@pytest.mark.parametrize("command", [block.strip() for block in blocks("sh")], ids=lambda c: c.split("&&")[-1][:40])
def test_every_command_is_run_by_ci(command: str) -> None:
    if command.startswith("python3 -m venv"):
        assert "grep '^python3 -m venv'" in CI
    else:
        (runs,) = (how for start, how in ELSEWHERE.items() if command.startswith(start))
        assert runs in CI or (REPOSITORY / runs).exists()


@pytest.mark.parametrize(
    ("name", "module"),
    re.findall(r"^\| `(\w+(?:Operator|Sensor|Trigger))`[^|]*\| `([\w.]+)` \|", page("operators"), re.MULTILINE),
)
def test_every_operator_is_in_the_module_that_the_table_names(name: str, module: str) -> None:
    operator = getattr(importlib.import_module(f"airflow_provider_payments.{module}"), name)
    assert inspect.isclass(operator)


def test_the_table_of_operators_is_complete() -> None:
    package = REPOSITORY / "airflow_provider_payments"
    classes = {
        node.name
        for kind in ("operators", "sensors", "triggers")
        for file in (package / kind).glob("*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Operator", "Sensor", "EventTrigger"))
    }
    bases = {
        "CreateOperator",
        "DefinitionsOperator",
        "ExistingDataflowOperator",
        "ExperiencePlatformOperator",
        "FindOperator",
        "FlowRunOperator",
    }
    shown = re.findall(r"^\| `(\w+(?:Operator|Sensor|Trigger))`", page("operators"), re.MULTILINE)
    assert classes - bases == set(shown)


def test_every_extra_of_the_connection_is_explained() -> None:
    from airflow_provider_payments.hooks.connection import _EXTRAS

    assert {name for name in _EXTRAS if f"`{name}`" not in page("connection")} == set()


@pytest.mark.parametrize(
    ("sign", "file"),
    [
        (".partial(", "system/mapped_tables.py"),
        (".as_teardown(", "system/setup_and_teardown.py"),
        ("DownloadRowErrorsOperator(", "system/row_errors.py"),
        ('key="flow_run"', "system/alerts.py"),
        ("DeadlineAlert(", "system/deadlines.py"),
    ],
)
def test_a_test_runs_the_steps_that_the_manual_shows(sign: str, file: str) -> None:
    (block,) = (block for block in blocks("python") if sign in block)
    shown = [line.strip() for line in block.splitlines() if line.strip()]
    run = (REPOSITORY / "tests" / file).read_text()
    assert [line for line in shown if line not in run] == []


def test_the_watcher_of_the_manual_can_be_built() -> None:
    from airflow.sdk import Asset, AssetWatcher

    from airflow_provider_payments.triggers.flow_run_event import FlowRunEventTrigger

    (block,) = (block for block in blocks("python") if "AssetWatcher(" in block)
    shown = {"Asset": Asset, "AssetWatcher": AssetWatcher, "FlowRunEventTrigger": FlowRunEventTrigger}
    exec(block.replace("<dataflow>", "dataflow"), shown)
    (watcher,) = shown["arrived"].watchers
    assert watcher.trigger.asset == shown["arrived"].name


def test_the_asset_graph_of_the_manual_can_be_built() -> None:
    from airflow.sdk import DAG, Asset, task

    from airflow_provider_payments.sensors.flow_run import FlowRunSensor

    (block,) = (block for block in blocks("python") if "inlets=[source]" in block)
    shown: dict[str, Any] = {"DAG": DAG, "Asset": Asset, "task": task, "FlowRunSensor": FlowRunSensor}
    exec(block.replace("<organisation>/<sandbox>/<dataset id>", "ABC/dev/60f1").replace("<dataflow>", "flow"), shown)
    assert shown["dataset"].uri == "aep://ABC/dev/60f1"


def test_the_table_of_metrics_is_complete() -> None:
    package = REPOSITORY / "airflow_provider_payments"
    calls = [
        found
        for path in package.rglob("*.py")
        for found in re.findall(r'Stats\.(incr|timing|gauge)\(\s*f?"([^"]+)"', path.read_text())
    ]
    counts = re.findall(r'"(records_\w+)"', (package / "outcomes.py").read_text())
    emitted = {(kind, name.replace("{name}", count)) for kind, name in calls for count in counts}
    types = {"counter": "incr", "timer": "timing", "gauge": "gauge"}
    shown = re.findall(r"^\| `(payments\.[\w.]+)` \| (\w+) \|", page("production"), re.MULTILINE)
    assert {(types[kind], name) for name, kind in shown} == emitted


def documented(heading: str) -> set[str]:
    """Return the words in code style in the first column of the table with this heading."""
    emulator = page("emulator")
    table = emulator[emulator.index(heading) :].split("\n\n", 1)[0].splitlines()[2:]
    return {word for row in table for word in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_every_fault_and_outcome_of_the_emulator_is_explained(experience_platform: ExperiencePlatform) -> None:
    for heading, method in (("| action | takes |", "fail"), ("| outcome | takes |", "order")):
        with pytest.raises(ValueError, match="nothing of the kind") as refusal:
            getattr(experience_platform, method)("nothing of the kind")
        assert documented(heading) == set(re.findall(r"\w+", str(refusal.value).partition("one of ")[2]))


def test_every_control_operation_is_explained(experience_platform: ExperiencePlatform) -> None:
    emulator = page("emulator")
    table = emulator[emulator.index("| under `/__emulator__`") :].split("\n## ", 1)[0]
    for operation in experience_platform.control("GET", "")["operations"]:
        path = operation["path"].removeprefix("/__emulator__").partition("/{")[0]
        assert re.search(rf"{operation['method']}\b[^|]*{re.escape(path)}\b", table), operation


def test_every_behaviour_of_the_emulator_is_explained(experience_platform: ExperiencePlatform) -> None:
    section = page("emulator").partition("### Behaviour\n")[2].partition("\n## ")[0]
    options = experience_platform.control("GET", "options")
    switches = {name for name, value in options.items() if isinstance(value, bool)}
    examples = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", section, re.MULTILINE))
    assert examples.keys() == options.keys() - switches
    for name, example in examples.items():
        given = json.loads(example)
        changed = experience_platform.control("PUT", "options", json={name: given})[name]
        assert changed == given or given.items() <= changed.items()
    words = set(re.findall(r"`(\w+)`", section))
    for name in ("lags", "questions", "refusals"):
        assert {word for key in options[name] for word in key.split(".")} <= words
    for option in switches:
        assert f'`{{"{option}": ' in page("emulator")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings on GitHub."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("path", "target"),
    [(path, target) for path, text in PAGES.items() for target in re.findall(r"\]\((?!http)([^)]+)\)", text)],
    ids=lambda value: value.name if isinstance(value, Path) else value,
)
def test_every_link_leads_to_a_file_and_its_heading(path: Path, target: str) -> None:
    file, _, anchor = target.partition("#")
    assert (path.parent / file).exists()
    assert not anchor or anchor in anchors(path.parent / file)


def test_every_path_that_contributing_names_exists() -> None:
    contributing = (REPOSITORY / ".github" / "CONTRIBUTING.md").read_text()
    paths = {path for path in re.findall(r"`([\w./*-]+/[\w./*-]*)`", contributing) if not path.startswith("-")}
    package = REPOSITORY / "airflow_provider_payments"
    missing = [
        path
        for path in sorted(paths)
        if not any(list(folder.glob(path.rstrip("/"))) for folder in (REPOSITORY, package))
    ]
    assert missing == []


def test_the_readme_is_short_and_links_every_page() -> None:
    readme = PAGES[REPOSITORY / "README.md"]
    assert len(readme.splitlines()) <= 120
    assert [path.name for path in DOCS.glob("*.md") if f"docs/{path.name})" not in readme] == []
