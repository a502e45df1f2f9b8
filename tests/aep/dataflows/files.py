"""Definition files for tests."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from airflow_provider_payments.aep.dataflows.definition import Definition
from airflow_provider_payments.aep.dataflows.loading import load_project
from airflow_provider_payments.aep.dataflows.problems import DefinitionError

TEN_LINES = """\
version: 1
name: PayPal catalog products
source: {vendor: paypal, connection: PayPal connection, table: PayPal.Catalog_Products}
mappings:
  _id: Product_Id
  product.name: Product_Name
  product.type: Type
  product.createTime: Create_Time
delta_column: Create_Time
schedule: every 30 minutes
"""


def write_files(folder: Path, **files: str) -> Path:
    """Write files; an argument's name is the path without suffix, with ``__`` for a slash. Return the folder."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return folder


def problems_of(folder: Path, **how: Any) -> list[str]:
    """Return the problems of a folder's files, with paths relative to the folder."""
    with pytest.raises(DefinitionError) as refusal:
        load_project(folder, **how)
    return [str(problem).replace(f"{folder}/", "") for problem in refusal.value.problems]


def only_definition(folder: Path, **how: Any) -> Definition:
    """Return the only definition of a folder."""
    (located,) = load_project(folder, **how).definitions
    return located.definition
