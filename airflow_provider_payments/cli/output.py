"""Rows and values in the format that was asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["print_rows", "print_value"]


def print_value(value: Any, output: str) -> None:
    """Print plain values as ``json`` or ``yaml``."""
    if output == "json":
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        from airflow_provider_payments.aep.dataflows.yamltext import write_yaml

        print(write_yaml(value), end="")


def print_rows(rows: Sequence[Mapping[str, Any]], output: str) -> None:
    """Print rows as ``json``, ``yaml`` or a ``markdown`` table."""
    if output == "markdown":
        print(_markdown(rows))
    else:
        print_value(list(rows), output)


def _markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
