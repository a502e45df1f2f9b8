"""The provider info, which Airflow reads at start-up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import airflow
import jsonschema
import pytest
from airflow.providers.common.compat.sdk import BaseHook, BaseOperator, BaseOperatorLink, BaseSensorOperator
from airflow.providers_manager import ProvidersManager
from airflow.triggers.base import BaseTrigger

from airflow_provider_payments.get_provider_info import CONNECTION_FIELDS, FIELD_BEHAVIOUR, get_provider_info
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook

BASES = {"hooks": BaseHook, "operators": BaseOperator, "sensors": BaseSensorOperator, "triggers": BaseTrigger}


def modules(*kinds: str) -> Iterator[tuple[str, str]]:
    info = get_provider_info()
    return ((kind, name) for kind in kinds for entry in info[kind] for name in entry["python-modules"])


def attribute(path: str) -> Any:
    module, name = path.rsplit(".", 1)
    return getattr(import_module(module), name)


def test_the_provider_info_is_valid_by_airflows_own_schema() -> None:
    schema = json.loads((Path(airflow.__path__[0]) / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_the_entry_point_returns_the_provider_info() -> None:
    (entry,) = (e for e in entry_points(group="apache_airflow_provider") if e.value.startswith("airflow_provider_pay"))
    assert entry.load()() == get_provider_info()
    assert entry.dist is not None
    assert entry.dist.name == get_provider_info()["package-name"]


@pytest.mark.parametrize(("kind", "name"), list(modules(*BASES)), ids=str)
def test_every_listed_module_can_be_imported(kind: str, name: str) -> None:
    own = [value for value in vars(import_module(name)).values() if getattr(value, "__module__", None) == name]
    assert any(isinstance(value, type) and issubclass(value, BASES[kind]) for value in own)


def test_every_listed_class_exists() -> None:
    info = get_provider_info()
    assert [attribute(entry["hook-class-name"]) for entry in info["connection-types"]] == [ExperiencePlatformHook]
    assert all(issubclass(attribute(path), BaseOperatorLink) for path in info["extra-links"])


#: Modules in the same folders that contain no operator, sensor or trigger.
BUILT_ON = (
    "__init__",
    "base",
    "checking",
    "outputs",
    "storage",
    "run_state",
    "poller",
    "daemon_threads",
    "flow_run_stream",
    "started_run",
    "window_wait",
)


def test_every_module_with_operators_sensors_or_triggers_is_listed() -> None:
    package = Path(str(import_module("airflow_provider_payments").__file__)).parent
    found = {
        f"{package.name}.{kind}.{path.stem}"
        for kind in ("operators", "sensors", "triggers")
        for path in (package / kind).glob("*.py")
        if path.stem not in BUILT_ON
    }
    assert {name for _, name in modules("operators", "sensors", "triggers")} == found


def test_airflow_knows_the_connection_type_and_the_link() -> None:
    manager = ProvidersManager()
    hook = manager.hooks[ExperiencePlatformHook.conn_type]
    assert hook is not None
    assert (hook.connection_id_attribute_name, hook.hook_name) == ("aep_conn_id", "Adobe Experience Platform")
    assert set(get_provider_info()["extra-links"]) <= set(manager.extra_links_class_names)


def test_the_hook_and_the_provider_info_agree() -> None:
    (entry,) = get_provider_info()["connection-types"]
    assert entry["connection-type"] == ExperiencePlatformHook.conn_type
    assert entry["hook-name"] == ExperiencePlatformHook.hook_name
    assert entry["ui-field-behaviour"] == FIELD_BEHAVIOUR
    assert set(FIELD_BEHAVIOUR["relabeling"]) == {"login", "password", "host"}


def test_the_hook_returns_the_form_behaviour_of_airflow_before_3_2() -> None:
    behaviour = ExperiencePlatformHook.get_ui_field_behaviour()
    schema = json.loads((Path(airflow.__path__[0]) / "customized_form_field_behaviours.schema.json").read_text())
    jsonschema.validate(behaviour, schema)
    assert set(behaviour) == {"hidden_fields", "relabeling", "placeholders"}


def test_older_airflows_get_the_same_form_fields_from_the_hook() -> None:
    pytest.importorskip("flask_appbuilder", reason="from 3.2 on Airflow takes the form from the provider info")
    widgets = ExperiencePlatformHook.get_connection_form_widgets()
    assert list(widgets) == list(CONNECTION_FIELDS)
    secret = {name for name, widget in widgets.items() if "Password" in widget.field_class.__name__}
    assert secret == {"access_token"}


@pytest.mark.parametrize("module", ["airflow_provider_payments", "airflow_provider_payments.get_provider_info"])
def test_importing_the_provider_info_imports_no_airflow(module: str) -> None:
    code = f"import sys, {module}; print(sorted(m for m in sys.modules if m.split('.')[0] == 'airflow'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
