"""Writing plain values as block-style YAML, which YAML 1.1, YAML 1.2 and the strict reader read back unchanged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from airflow_provider_payments.aep.dataflows.yamlfile import read_scalar

__all__ = ["write_yaml"]

WIDTH = 120
#: Texts that YAML 1.2 reads as numbers and YAML 1.1 does not.
_NUMBERS = re.compile(r"[-+]?(0o[0-7]+|0x[0-9a-fA-F]+|\.?[0-9][0-9_]*(\.[0-9]*)?([eE][-+]?[0-9]+)?)")

#: A line break in YAML 1.1, which plain and single-quoted text does not preserve.
_NEXT_LINE = "\x85"


def write_yaml(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return a document in block style; members keep their order."""
    import yaml

    text = yaml.dump(_escaped(value), Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=WIDTH)
    return str(text)


@cache
def _dumper() -> Any:
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        is_other = read_scalar(data) != data or _NUMBERS.fullmatch(data) or _NEXT_LINE in data
        style = '"' if is_other else "|" if "\n" in data else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, text)
    return Dumper


def _escaped(value: Any) -> Any:
    """Return values in which ``${var.`` is escaped, so that reading replaces no variable."""
    if isinstance(value, Mapping):
        return {name: _escaped(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escaped(inner) for inner in value]
    return value.replace("${var.", "$${var.") if isinstance(value, str) else value
