"""``payments schema``."""

from __future__ import annotations

import argparse
import json

from airflow_provider_payments.aep.dataflows.json_schema import definition_schema, project_schema

__all__ = ["schema"]


def schema(args: argparse.Namespace) -> int:
    """Print the JSON Schema of one kind of file."""
    print(json.dumps(project_schema() if args.of == "project" else definition_schema(), indent=2))
    return 0
