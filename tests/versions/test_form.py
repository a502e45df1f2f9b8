"""The connection form that Airflow builds: labels, hidden fields, and extra fields."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_payments.get_provider_info import CONNECTION_FIELDS, FIELD_BEHAVIOUR
from tests.system.airflow_process import python
from tests.versions.conftest import InstalledAirflow
from tests.versions.expected import SERIES, fails_on

#: Prints the data that the web page of Airflow 3 requests.
FORM_OF_AIRFLOW_3 = """
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
(form,) = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "aep"]
standard = {} if form.standard_fields is None else form.standard_fields.model_dump()
found = {
    "hidden": sorted(name for name, field in standard.items() if field and field["hidden"]),
    "labels": {name: field["title"] for name, field in standard.items() if field and field["title"]},
    "extra": {
        name: [field["schema"]["title"], field["schema"].get("format")]
        for name, field in (form.model_dump(mode="json")["extra_fields"] or {}).items()
    },
}
"""
#: Prints the data from which Airflow 2 builds the form.
FORM_OF_AIRFLOW_2 = """
from airflow.providers_manager import ProvidersManager
manager = ProvidersManager()
behaviour = manager.field_behaviours.get("aep") or {}
fields = [widget for name, widget in manager.connection_form_widgets.items() if name.startswith("extra__aep__")]
found = {
    "hidden": sorted(behaviour.get("hidden_fields", ())),
    "labels": behaviour.get("relabeling", {}),
    "extra": {
        widget.field_name: [
            str(widget.field.args[0]), "password" if "Password" in widget.field.field_class.__name__ else None
        ]
        for widget in fields
    },
}
"""


@pytest.fixture(scope="module")
def form(airflow: InstalledAirflow) -> dict[str, Any]:
    code = FORM_OF_AIRFLOW_2 if SERIES.startswith("2.") else FORM_OF_AIRFLOW_3
    output = python(
        "-W", "ignore", "-c", f"{code}\nimport json; print(json.dumps(found))", environment=airflow.environment
    )
    return dict(json.loads(output.splitlines()[-1]))


without_fab = fails_on(
    "3.0", reason="the form of any provider is empty without the FAB provider, which provides wtforms"
)


@without_fab
def test_the_form_has_its_labels(form: dict[str, Any]) -> None:
    assert form["labels"] == FIELD_BEHAVIOUR["relabeling"]


@without_fab
def test_the_form_hides_unused_fields(form: dict[str, Any]) -> None:
    # Airflow 3 calls the field `schema` `url_schema`.
    assert [name.removeprefix("url_") for name in form["hidden"]] == sorted(FIELD_BEHAVIOUR["hidden-fields"])


@without_fab
def test_the_form_has_the_extra_fields(form: dict[str, Any]) -> None:
    assert form["extra"] == {
        name: [field["label"], field["schema"].get("format")] for name, field in CONNECTION_FIELDS.items()
    }
