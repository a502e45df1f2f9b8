"""Functions of objects, maps and arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_payments.emulator.core.parsing import UnreadableBody, parse_json
from airflow_provider_payments.emulator.data_prep.language.function import Function, group, null_safe, plain, spread
from airflow_provider_payments.emulator.data_prep.language.values import (
    ExpressionError,
    as_text,
    is_empty,
    shortened,
    size,
    truth,
)

_QUOTE = "'"


def _object(*pairs: Any) -> dict[str, Any]:
    if len(pairs) % 2:
        raise ExpressionError("keys and values come in pairs")
    return {as_text(key): value for key, value in zip(pairs[::2], pairs[1::2], strict=True)}


def _objects(*pairs: Any) -> list[dict[str, Any]]:
    """Return objects from pairs of a field name and the array of the field's values."""
    arrays = _object(*pairs)
    for name, array in arrays.items():
        if not isinstance(array, list):
            raise ExpressionError(f"{shortened(array)} for '{name[:40]}' is no array")
    longest = max(map(len, arrays.values()), default=0)
    return [{name: array[at] for name, array in arrays.items() if at < len(array)} for at in range(longest)]


def _object_of_text(text: str, value_delimiter: str = ":", field_delimiter: str = ",") -> dict[str, str]:
    entries = (entry.partition(value_delimiter or ":") for entry in text.split(field_delimiter or ","))
    return {key.strip(): value.strip() for key, mark, value in entries if mark}


def _from_json(value: Any) -> Any:
    if isinstance(value, Mapping | list):
        return value
    try:
        return parse_json(as_text(value).encode())
    except UnreadableBody as error:
        raise ExpressionError("the text is not valid JSON") from error


def _as_keys(keys: Any) -> list[str]:
    return [as_text(key) for key in (keys if isinstance(keys, list) else [keys])]


def _entries(value: Mapping[str, Any], keys: Any) -> Any:
    """Return the value of a key, or the distinct values of an array of keys."""
    found: list[Any] = []
    for key in _as_keys(keys):
        if value.get(key) is not None and value[key] not in found:
            found.append(value[key])
    return found if isinstance(keys, list) else next(iter(found), None)


def _merged(*maps: Any) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for entries in maps:
        for key, value in (entries or {}).items():
            result.setdefault(key, value)
    return result


def _by_key(array: list[Any], key: str) -> dict[str, Any]:
    found = [entry for entry in array if isinstance(entry, Mapping) and entry.get(key) is not None]
    return {as_text(entry[key]): entry for entry in found}


def _map(*given: Any) -> Any:
    """Return a map from an object, from an array of objects and the name of their key, or from keys and values."""
    if isinstance(given[0], list) and len(given) == 2:
        return _by_key(given[0], as_text(given[1]))
    if len(given) == 1 and (given[0] is None or isinstance(given[0], Mapping)):
        return given[0]
    return _object(*given)


def _array(keep_nulls: bool, *given: Any) -> list[Any]:
    return [value for value in given if keep_nulls or value is not None]


def _concatenated(*arrays: Any) -> list[Any]:
    return [value for array in arrays for value in array or ()]


def _flat(value: Any) -> list[Any]:
    return [entry for part in value for entry in _flat(part)] if isinstance(value, list) else [value]


def _array_text(separator: str, array: list[Any]) -> str:
    return separator.join(map(_entry_text, _flat(array)))


def _entry_text(value: Any, quote: str = "") -> str:
    if isinstance(value, Mapping):
        return "{" + ",".join(f"'{key}':{_entry_text(entry, _QUOTE)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return f"[{','.join(_entry_text(entry, _QUOTE) for entry in value)}]"
    return f"{quote}{value}{quote}" if isinstance(value, str) else as_text(value)


def _filtered(array: list[Any], holds: Callable[[Any], Any]) -> list[Any]:
    return [entry for entry in array if truth(holds(entry))]


def _transformed(array: list[Any], change: Callable[[Any], Any]) -> list[Any]:
    return [change(entry) for entry in array]


def _is_set(value: Any) -> bool:
    return value is not None


def _same(value: Any, *_: Any) -> Any:
    return value


_coalesced = plain(lambda *given: next(filter(_is_set, spread(given)), None))
_first = plain(lambda *given: next(iter(spread(given)), None))
_last = plain(lambda *given: next(reversed(spread(given)), None))
_extended = plain(lambda array, *more: [*array, *more])
_has_any_key = plain(lambda value, keys: any(key in value for key in _as_keys(keys)))

_BOOK = '{"author": "George R. R. Martin", "price": 17.99}'
_BOOK_2 = '{"author": "Neil Gaiman", "publisher": "William Morrow"}'
_ADDRESSES = '[{"City": "san jose", "type": "home"}, {"City": "napa", "type": "work"}]'
_ADDRESSES_BY_TYPE = '{"home": {"City": "san jose", "type": "home"}, "work": {"City": "napa", "type": "work"}}'
_NAMES = '"firstName", "John", "lastName", "Doe"'
_NAMED = '{"firstName": "John", "lastName": "Doe"}'
_SKUS = """('sku', explode("id1|id2", '\\\\|'), 'price', [22.5, 14.35])"""
_WITH_SKUS = '[{"sku": "id1", "price": 22.5}, {"sku": "id2", "price": 14.35}]'
_TEXT_OF_NAMES = '"firstName - John ; lastName - Doe ; phone - 123 456 7890", "-", ";"'

STRUCTURE_FUNCTIONS: Mapping[str, Function] = {
    **group(
        "Hierarchies - Objects",
        ("is_empty(input: any) -> boolean", plain(is_empty), "Whether it is empty.", "is_empty([1, 2, 3])", "false"),
        ("is_set(input: any) -> boolean", plain(_is_set), "Old name of contains_key.", 'is_set("payer.email")', ""),
        (
            "contains_key(input: any) -> boolean",
            plain(_is_set),
            "Whether the source has an attribute.",
            'contains_key("evars.evar.field1")',
            "",
        ),
        ("nullify() -> any", plain(lambda: None), "Null.", "nullify()", "null"),
        *(
            (f"{name}(input: any...) -> array", plain(_objects), "Objects from arrays.", f"{name}{_SKUS}", _WITH_SKUS)
            for name in ("arrays_to_objects", "arrays_to_object")
        ),
        (
            "to_object(input: any...) -> object",
            plain(_object),
            "An object from keys and values.",
            f"to_object({_NAMES})",
            _NAMED,
        ),
        (
            "str_to_object(string: text, value_delimiter?: text, field_delimiter?: text) -> object",
            plain(_object_of_text),
            "An object from a text.",
            f"str_to_object({_TEXT_OF_NAMES})",
            '{"firstName": "John", "lastName": "Doe", "phone": "123 456 7890"}',
        ),
        (
            "get_keys(object: object) -> array",
            plain(list),
            "The keys of an object.",
            'get_keys({"book1": "Pride and Prejudice", "book2": "1984"})',
            '["book1", "book2"]',
        ),
        (
            "get_values(string: text, key: text, value_delimiter: text, field_delimiter?: text) -> text",
            plain(lambda text, key, *marks: _object_of_text(text, *marks).get(key)),
            "The value of a key in a text.",
            'get_values("firstName - John , lastName - Cena , phone - 555 420 8692", "firstName", "-", ",")',
            "John",
        ),
        (
            "map_get_values(map: object, key: any) -> any",
            plain(_entries),
            "The value of a key, or the values of several.",
            f'map_get_values({_BOOK}, "author")',
            "George R. R. Martin",
        ),
        (
            "map_has_keys(map: object, key: any) -> boolean",
            _has_any_key,
            "Whether the map has one of the keys.",
            f'map_has_keys({_BOOK}, "author")',
            "true",
        ),
        (
            "add_to_map(map: object, more: object...) -> object",
            plain(_merged),
            "Merges maps; the first value of a key counts.",
            f"add_to_map({_BOOK}, {_BOOK_2})",
            '{"author": "George R. R. Martin", "price": 17.99, "publisher": "William Morrow"}',
        ),
    ),
    **group(
        "Hierarchies - Map",
        (
            "array_to_map(inputs: array, key: text) -> object",
            plain(_by_key),
            "A map from objects, by the value of one of their fields.",
            f'array_to_map({_ADDRESSES}, "type")',
            _ADDRESSES_BY_TYPE,
        ),
        (
            "object_to_map(input: any...) -> object",
            plain(_map),
            "A map from an object, from objects and a key, or from keys and values.",
            f"object_to_map({_ADDRESSES}, type)",
            _ADDRESSES_BY_TYPE,
        ),
        ("to_map(input: any...) -> object", plain(_object), "A map from keys and values.", f"to_map({_NAMES})", _NAMED),
    ),
    **group(
        "Hierarchies - Arrays",
        (
            "coalesce(input: any...) -> any",
            _coalesced,
            "The first that is not null.",
            'coalesce(null, null, null, "first", null, "second")',
            "first",
        ),
        ("first(input: any...) -> any", _first, "The first entry.", 'first("1", "2", "3")', "1"),
        ("last(input: any...) -> any", _last, "The last entry.", 'last("1", "2", "3")', "3"),
        (
            "add_to_array(array: array, values?: any...) -> array",
            _extended,
            "An array with more entries.",
            "add_to_array(['a', 'b'], 'c', 'd')",
            '["a", "b", "c", "d"]',
        ),
        (
            "join_arrays(array: array, values?: array...) -> array",
            plain(_concatenated),
            "Joins arrays.",
            "join_arrays(['a', 'b'], ['c'], ['d', 'e'])",
            '["a", "b", "c", "d", "e"]',
        ),
        (
            "to_array(include_nulls: boolean, values: any...) -> array",
            plain(_array),
            "An array.",
            "to_array(false, 1, null, 2, 3)",
            "[1, 2, 3]",
        ),
        ("size_of(input: any) -> whole", plain(size), "The number of entries.", "size_of([1, 2, 3, 4])", "4"),
        *(
            (
                f"{name}(array: array, position?: any) -> array",
                plain(_same),
                "The array, unchanged: a dataflow into the data lake updates no records.",
                f"{name}([123, 456])",
                "[123, 456]",
            )
            for name in ("upsert_array_append", "upsert_array_replace")
        ),
        (
            "array_to_string(separator: text, array: array) -> text",
            plain(_array_text),
            "The entries as one text.",
            'array_to_string("_", ["Marketing", "Sales"])',
            "Marketing_Sales",
        ),
        ("flattenArray(array: array) -> array", plain(_flat), "Flattens.", "flattenArray([1, [2, [3]]])", "[1, 2, 3]"),
        (
            "filterArray(array: array, predicate: lambda) -> array",
            plain(_filtered),
            "The entries for which a condition is true.",
            "filterArray([1, 2, 3], entry -> entry > 1)",
            "[2, 3]",
        ),
        (
            "transformArray(array: array, change: lambda) -> array",
            plain(_transformed),
            "The array with each entry changed.",
            'transformArray(["a", "b"], entry -> ucase(entry))',
            '["A", "B"]',
        ),
    ),
    **group(
        "JSON",
        (
            "json_to_object(string: any) -> any",
            null_safe(_from_json),
            "The value of a JSON text.",
            'json_to_object("{\\"info\\":{\\"firstName\\":\\"John\\",\\"lastName\\": \\"Doe\\"}}")',
            '{"info": {"firstName": "John", "lastName": "Doe"}}',
        ),
    ),
}
STRUCTURE_METHODS: Mapping[str, Function] = group(
    "Hierarchies - Objects",
    (
        "get(object: object, key: text) -> any",
        plain(lambda value, key: value.get(key)),
        "The value of a key.",
        f'str_to_object({_TEXT_OF_NAMES}).get("firstName")',
        "John",
    ),
)
