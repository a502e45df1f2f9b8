"""Functions that choose, compare and convert single values."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.data_prep.language.function import Function, group, null_safe, plain, spread
from airflow_provider_payments.emulator.data_prep.language.values import ExpressionError, equal, less, number, shortened


def _extreme(before: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def choose(*given: Any) -> Any:
        best: Any = None
        for value in spread(given):
            if value is not None and (best is None or before(value, best)):
                best = value
        return best

    return choose


def _decoded(key: Any, *options: Any) -> Any:
    options = tuple(spread(options))
    for candidate, value in zip(options[::2], options[1::2], strict=False):
        if equal(key, candidate):
            return value
    return options[-1] if len(options) % 2 else None


def _integer(value: Any) -> int:
    if isinstance(value, float):
        return int(value)
    read = number(value)
    if isinstance(read, float) or not -(2**63) <= read < 2**63:
        raise ExpressionError(f"{shortened(value)} is no whole number")
    return read


def _big(value: Any) -> int | float:
    read = number(value)
    return int(read) if read == int(read) else read


def _decimal(value: Any) -> float:
    return float(number(value))


def _random() -> str:
    return str(uuid.uuid4())


_chosen = plain(lambda condition, yes, no: yes if condition else no)

VALUE_FUNCTIONS: Mapping[str, Function] = {
    **group(
        "Logical operators",
        (
            "iif(expression: boolean, true_value: any, false_value: any) -> any",
            _chosen,
            "One of two values.",
            'iif("s".equalsIgnoreCase("S"), "True", "False")',
            "True",
        ),
        (
            "decode(key: single, options: any...) -> any",
            plain(_decoded),
            "The value of a key, or the last one.",
            'decode("pa", "ca", "California", "pa", "Pennsylvania", "N/A")',
            "Pennsylvania",
        ),
    ),
    **group(
        "Aggregation",
        ("min(options: any...) -> any", plain(_extreme(less)), "The smallest.", "min(3, 1, 4)", "1"),
        (
            "max(options: any...) -> any",
            plain(_extreme(lambda value, best: less(best, value))),
            "The largest.",
            "max(3, 1, 4)",
            "4",
        ),
    ),
    **group(
        "Type conversions",
        ("to_integer(string: single) -> whole", null_safe(_integer), "A whole number.", 'to_integer("12")', "12"),
        ("to_bigint(string: single) -> number", null_safe(_big), "A number.", 'to_bigint("1000000.34")', "1000000.34"),
        ("to_decimal(string: single) -> number", null_safe(_decimal), "A number.", 'to_decimal("20.5")', "20.5"),
        ("to_float(string: single) -> number", null_safe(_decimal), "A number.", 'to_float("12.3456")', "12.3456"),
    ),
    **group(
        "Special operations",
        ("uuid() -> text", plain(_random), "A random id.", "uuid()", ""),
        ("guid() -> text", plain(_random), "A random id.", "guid()", ""),
    ),
}
