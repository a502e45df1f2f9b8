"""Functions of objects and arrays, choices, and conversions of types."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.data_prep.function import (
    MANY,
    Function,
    group,
    on_some,
    on_text,
    plain,
    spread,
)
from airflow_provider_payments.emulator.data_prep.values import (
    ExpressionError,
    as_text,
    equal,
    is_empty,
    less,
    number,
    shown,
    size,
    truth,
)
from airflow_provider_payments.emulator.exchange import UnreadableBody, parse_json


def _some(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ExpressionError(f"{shown(value)} is no array")
    return value


def _object(*pairs: Any) -> dict[str, Any]:
    if len(pairs) % 2:
        raise ExpressionError("keys and values come in pairs")
    return {as_text(key): value for key, value in zip(pairs[::2], pairs[1::2], strict=True)}


def _object_of_text(text: str, between: Any = ":", behind: Any = ",") -> dict[str, str]:
    entries = (entry.partition(as_text(between) or ":") for entry in text.split(as_text(behind) or ","))
    return {key.strip(): value.strip() for key, mark, value in entries if mark}


def _from_json(text: str) -> Any:
    try:
        return parse_json(text.encode())
    except UnreadableBody as error:
        raise ExpressionError("the text is not valid JSON") from error


def _keys(value: Any) -> list[str]:
    if not isinstance(value, Mapping):
        raise ExpressionError(f"{shown(value)} is no object")
    return list(value)


def _entry(value: Any, key: Any) -> Any:
    _keys(value)
    return value.get(as_text(key))


def _array(include_nulls: Any, *given: Any) -> list[Any]:
    keep = truth(include_nulls)
    return [value for value in given if keep or value is not None]


def _all_of(*arrays: Any) -> list[Any]:
    return [value for array in arrays for value in _some(array)]


def _best(before: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def choose(*given: Any) -> Any:
        best: Any = None
        for value in spread(given):
            if value is not None and (best is None or before(value, best)):
                best = value
        return best

    return choose


def _decoded(key: Any, *options: Any) -> Any:
    options = tuple(spread(options))
    for wanted, value in zip(options[::2], options[1::2], strict=False):
        if equal(key, wanted):
            return value
    return options[-1] if len(options) % 2 else None


def _integer(value: Any) -> int:
    if isinstance(value, float):
        return int(value)
    read = number(value)
    if isinstance(read, float) or not -(2**63) <= read < 2**63:
        raise ExpressionError(f"{shown(value)} is no whole number")
    return read


def _big(value: Any) -> int | float:
    read = number(value)
    return int(read) if read == int(read) else read


def _is_there(value: Any) -> bool:
    return value is not None


def _text_entry(text: str, key: Any, *marks: Any) -> str | None:
    return _object_of_text(text, *marks).get(as_text(key))


def _decimal(value: Any) -> float:
    return float(number(value))


def _random() -> str:
    return str(uuid.uuid4())


_coalesced = plain(lambda *given: next(filter(_is_there, spread(given)), None))
_first = plain(lambda *given: next(iter(spread(given)), None))
_last = plain(lambda *given: next(reversed(spread(given)), None))
_longer = plain(lambda array, *more: [*_some(array), *more])
_chosen = plain(lambda condition, yes, no: yes if truth(condition) else no)

STRUCTURE_FUNCTIONS: Mapping[str, Function] = {
    **group(
        "Hierarchies - Objects",
        is_empty=(1, 1, plain(is_empty), "Whether there is nothing in it.", "is_empty(items)"),
        is_set=(1, 1, plain(_is_there), "Whether a field is there.", 'is_set("payer.email")'),
        contains_key=(1, 1, plain(_is_there), "Whether a field is there.", 'contains_key("payer.email")'),
        nullify=(0, 0, plain(lambda: None), "Nothing.", "nullify()"),
        to_object=(2, MANY, plain(_object), "An object of keys and values.", 'to_object("name", name)'),
        str_to_object=(1, 3, on_text(_object_of_text), "An object of a text.", 'str_to_object("a=1,b=2", "=", ",")'),
        get_keys=(1, 1, on_some(_keys), "The keys of an object.", "get_keys(payer)"),
        get_values=(2, 4, on_text(_text_entry), "The value of a key in a text.", 'get_values("a:1", "a", ":", ",")'),
        map_get_values=(2, 2, on_some(_entry), "The value of a key.", 'map_get_values(payer, "email")'),
    ),
    **group(
        "Hierarchies - Arrays",
        coalesce=(1, MANY, _coalesced, "The first that is not null.", 'coalesce(name, "none")'),
        first=(1, MANY, _first, "The first entry.", "first(items)"),
        last=(1, MANY, _last, "The last entry.", "last(items)"),
        to_array=(1, MANY, plain(_array), "An array.", "to_array(false, 1, null, 2)"),
        add_to_array=(1, MANY, _longer, "An array with more entries.", 'add_to_array(["a"], "b")'),
        join_arrays=(1, MANY, plain(_all_of), "Arrays one behind the other.", 'join_arrays(["a"], ["b"])'),
        size_of=(1, 1, plain(size), "How many entries there are.", "size_of([1, 2])"),
    ),
    **group(
        "Logical operators",
        iif=(3, 3, _chosen, "One of two values.", 'iif(status == "S", "Success", "Other")'),
        decode=(2, MANY, plain(_decoded), "The value of a key.", 'decode(state, "ca", "California", "N/A")'),
    ),
    **group(
        "Aggregation",
        min=(1, MANY, plain(_best(less)), "The smallest.", "min(3, 1, 4)"),
        max=(1, MANY, plain(_best(lambda value, best: less(best, value))), "The largest.", "max(3, 1, 4)"),
    ),
    **group(
        "Type conversions",
        to_integer=(1, 1, on_some(_integer), "A text as a whole number.", 'to_integer("12")'),
        to_bigint=(1, 1, on_some(_big), "A text as a large number.", 'to_bigint("1000000")'),
        to_decimal=(1, 1, on_some(_decimal), "A text as a number.", 'to_decimal("20.5")'),
        to_float=(1, 1, on_some(_decimal), "A text as a number.", 'to_float("20.5")'),
    ),
    **group("JSON", json_to_object=(1, 1, on_text(_from_json), "What a JSON text holds.", "json_to_object(metadata)")),
    **group(
        "Special operations",
        uuid=(0, 0, plain(_random), "An id by chance.", "uuid()"),
        guid=(0, 0, plain(_random), "An id by chance.", "guid()"),
    ),
}
STRUCTURE_METHODS: Mapping[str, Function] = group(
    "Hierarchies - Objects", get=(2, 2, plain(_entry), "The value of a key.", 'str_to_object("a:1").get("a")')
)
