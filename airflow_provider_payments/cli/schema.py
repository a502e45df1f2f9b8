"""``payments schema``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.json_schema import definition_schema, project_schema

if TYPE_CHECKING:
    import argparse

__all__ = ["schema"]


def schema(args: argparse.Namespace) -> int:
    """Print the JSON Schema of one kind of file."""
    print(json.dumps(project_schema() if args.of == "project" else definition_schema(), indent=2))
    return 0
