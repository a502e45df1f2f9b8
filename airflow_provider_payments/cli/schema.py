"""``payments schema``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_provider_payments.aep.dataflows.json_schema import definition_schema, project_schema
from airflow_provider_payments.aep.verification.report_schema import report_schema

if TYPE_CHECKING:
    import argparse

__all__ = ["schema"]

SCHEMAS = {"definition": definition_schema, "project": project_schema, "report": report_schema}


def schema(args: argparse.Namespace) -> int:
    """Print the JSON Schema of one type of file."""
    print(json.dumps(SCHEMAS[args.of](), indent=2))
    return 0
