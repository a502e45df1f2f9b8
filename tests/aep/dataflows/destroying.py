"""Helpers that plan and execute destroys against the emulator."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.destroy import Destroy, execute_destroy, plan_destroy
from airflow_provider_payments.aep.dataflows.loading import load_project
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
from tests.aep.dataflows.applying import apply, plan_of
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.conftest import Emulator

PROJECT = "version: 1\nproject: finance\n"
NAME = "PayPal catalog products"
#: The definition of a second dataflow, which reads another table.
PLANS = (
    TEN_LINES.replace(NAME, "Billing plans")
    .replace("PayPal.Catalog_Products", "PayPal.Billing_Plans")
    .replace("Product_Id", "Id")
    .replace("Product_Name", "Name")
    .replace("  product.type: Type\n", "")
)
#: The emulator's lists of the kinds that a destroy may delete.
LISTS = ("flows", "targetConnections", "sourceConnections", "dataSets")


def planned_destroy(client: Client, folder: Path, *, only: Iterable[str] = (), **how: Any) -> Destroy:
    """Return the planned destroy of the definitions of a folder."""
    whole = load_project(folder)
    project = load_project(folder, only=only)
    return plan_destroy(project, whole, Snapshot(client), sandbox=client.sandbox, marks=client.marks, **how)


def destroy(client: Client, folder: Path, **how: Any) -> Destroy:
    """Destroy the objects that the definitions of a folder reach."""
    return execute_destroy(client, planned_destroy(client, folder, **how))


def applied(client: Client, folder: Path, owner: str = "finance", **texts: str) -> Path:
    """Write and apply the files of a project; return the folder."""
    write_files(folder, project=PROJECT, **texts)
    apply(client, plan_of(client, folder), owner=owner)
    return folder


def existing_ids(emulator: Emulator, *lists: str) -> set[str]:
    """Return the ids of the existing objects of some lists. Defaults to the lists of deletable kinds."""
    return {item["id"] for name in lists or LISTS for item in emulator.objects(name)}


def deletions(emulator: Emulator) -> list[str]:
    """Return the collections of the sent deletions, in order."""
    return [request["path"].rsplit("/", 2)[1] for request in emulator.requests(method="DELETE")]


def reasons(destroy: Destroy) -> dict[str, str]:
    """Return why objects are kept, by kind."""
    return {each.kind.name: each.reason for each in destroy.removals if each.action == "keep"}


def kinds(destroy: Destroy) -> list[str]:
    """Return the kinds of the objects to delete, in order."""
    return [each.kind.name for each in destroy.to_delete]
