"""Destroys against the emulator."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from airflow_provider_payments.aep.api.client import Client
from airflow_provider_payments.aep.dataflows.destroy import Destroy, carry_out, what_goes
from airflow_provider_payments.aep.dataflows.loading import load_project
from airflow_provider_payments.aep.dataflows.snapshot import Snapshot
from tests.aep.dataflows.applying import apply, plan_of
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.conftest import Emulator

PROJECT = "version: 1\nproject: finance\n"
NAME = "PayPal catalog products"
#: Another dataflow, from another table.
PLANS = (
    TEN_LINES.replace(NAME, "Billing plans")
    .replace("PayPal.Catalog_Products", "PayPal.Billing_Plans")
    .replace("Product_Id", "Id")
    .replace("Product_Name", "Name")
    .replace("  product.type: Type\n", "")
)
#: The emulator's lists of what a destroy may delete.
LISTS = ("flows", "targetConnections", "sourceConnections", "dataSets")


def decided(client: Client, folder: Path, *, only: Iterable[str] = (), **how: Any) -> Destroy:
    """Say what a destroy of the definitions of a folder deletes."""
    whole = load_project(folder)
    project = load_project(folder, only=only)
    return what_goes(project, whole, Snapshot(client), sandbox=client.sandbox, marks=client.marks, **how)


def destroy(client: Client, folder: Path, **how: Any) -> Destroy:
    """Destroy what the definitions of a folder reach."""
    return carry_out(client, decided(client, folder, **how))


def applied(client: Client, folder: Path, owner: str = "finance", **texts: str) -> Path:
    """Write a project's files and make what they say."""
    write_files(folder, project=PROJECT, **texts)
    apply(client, plan_of(client, folder), owner=owner)
    return folder


def there(emulator: Emulator, *lists: str) -> set[str]:
    """The ids of what is there of the kinds that a destroy may delete."""
    return {item["id"] for name in lists or LISTS for item in emulator.objects(name)}


def deletions(emulator: Emulator) -> list[str]:
    """The collections of what was asked to be deleted, in order."""
    return [request["path"].rsplit("/", 2)[1] for request in emulator.requests(method="DELETE")]


def reasons(planned: Destroy) -> dict[str, str]:
    """Why each kind stays."""
    return {each.kind.name: each.reason for each in planned.removals if each.action == "keep"}


def kinds(planned: Destroy) -> list[str]:
    """The kinds of what goes, in order."""
    return [each.kind.name for each in planned.to_delete]
