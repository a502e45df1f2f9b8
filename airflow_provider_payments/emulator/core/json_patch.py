"""JSON Patch (RFC 6902); the names of operations are case-insensitive."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_payments.emulator.core.parsing import MAX_DEPTH, depth_exceeds, parse_count

Operation = Literal["add", "replace", "remove", "test", "copy", "move"]
ALL_OPERATIONS: tuple[Operation, ...] = ("add", "replace", "remove", "test", "copy", "move")
_WITH_VALUE = ("add", "replace", "test")
_WITH_SOURCE = ("copy", "move")


class PatchError(Exception):
    """A patch that cannot be applied.

    :param reason: ``malformed`` (a member is missing or of a wrong type), ``operation`` (the operation is not offered),
        ``path`` (the text is not a path) or ``application`` (the patch does not fit the document).
    """

    def __init__(self, reason: Literal["malformed", "operation", "path", "application"], detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Instruction:
    """A checked instruction of a patch.

    :param steps: the decoded parts of its path.
    :param source: the decoded parts of its ``from``; empty if the operation has no ``from``.
    """

    operation: Operation
    path: str
    steps: tuple[str, ...]
    value: Any = None
    source: tuple[str, ...] = ()


def parse_patch(document: Any, offered: Collection[Operation] = ALL_OPERATIONS) -> list[Instruction]:
    """Check a patch without applying it; raise :class:`PatchError` if it is not valid.

    :param offered: the operations that the service supports.
    """
    if not isinstance(document, list) or not document:
        raise PatchError("malformed", "A patch is a list of at least one instruction.")
    return [_instruction(entry, offered) for entry in document]


def _instruction(entry: Any, offered: Collection[Operation]) -> Instruction:
    if not isinstance(entry, dict):
        raise PatchError("malformed", "Each instruction of a patch is an object.")
    named, path = _text(entry, "op"), _text(entry, "path")
    operation = next((known for known in offered if known == named.lower()), None)
    if operation is None:
        raise PatchError("operation", f"Unsupported operation '{named[:40]}' received.")
    if operation in _WITH_VALUE and "value" not in entry:
        raise _missing("value")
    source = _steps(_text(entry, "from")) if operation in _WITH_SOURCE else ()
    return Instruction(operation, path, _steps(path), entry.get("value"), source)


def _text(entry: dict[str, Any], member: str) -> str:
    if not isinstance(entry.get(member), str):
        raise _missing(member)
    return str(entry[member])


def _missing(name: str) -> PatchError:
    return PatchError("malformed", f'Missing field "{name[:200]}".')


def _steps(path: str) -> tuple[str, ...]:
    if not path.startswith("/"):
        raise PatchError("path", f"The patch path '{path[:80]}' must begin with a slash.")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/"))


def apply_patch(document: dict[str, Any], patch: list[Instruction], *, parents: bool = False) -> dict[str, Any]:
    """Return a patched copy of a document; raise :class:`PatchError` if the patch does not fit the document.

    :param parents: whether ``add`` creates missing objects on its path.
    """
    result = copy.deepcopy(document)
    for instruction in patch:
        _apply(result, instruction, parents)
    if depth_exceeds(result, MAX_DEPTH):
        raise PatchError("malformed", f"The patched resource would be nested deeper than {MAX_DEPTH} levels.")
    return result


def _apply(document: dict[str, Any], instruction: Instruction, parents: bool) -> None:
    steps, source, value = instruction.steps, instruction.source, copy.deepcopy(instruction.value)
    match instruction.operation:
        case "add":
            _add(document, steps, value, parents)
        case "replace":
            _replace(document, steps, value)
        case "remove":
            _remove(document, steps)
        case "test":
            if _read(document, steps) != value:
                raise _inapplicable(f"The test failed: the value at '{instruction.path[:200]}' differs.")
        case "copy":
            _add(document, steps, copy.deepcopy(_read(document, source)), parents)
        case "move":
            if steps[: len(source)] == source and steps != source:
                raise _inapplicable("Nothing can be moved into itself.")
            _add(document, steps, _remove(document, source), parents)


def _inapplicable(detail: str) -> PatchError:
    return PatchError("application", detail)


def _read(node: Any, steps: Sequence[str]) -> Any:
    """Return the value at a path."""
    for step in steps:
        node = node[_key(node, step)]
    return node


def _key(node: Any, step: str) -> str | int:
    """Return the key of an existing member, or the index of an existing entry."""
    if isinstance(node, dict):
        if step not in node:
            raise PatchError("application", f'Missing field "{step[:200]}".')
        return step
    return _place(node, step, -1)


def _place(node: Any, step: str, last: int) -> int:
    """Parse the index of a list entry; raise :class:`PatchError` for any other text and for an index out of bounds.

    :param last: the largest index that is accepted, relative to the length of the list: -1 for the last entry.
    """
    if not isinstance(node, list):
        raise _inapplicable(f'There is no "{step[:200]}" in a value that is neither an object nor a list.')
    place = parse_count(step)
    if place is None:
        raise _inapplicable(f'"{step[:200]}" is not an index of a list.')
    if place > len(node) + last:
        raise _inapplicable(f"Array index {place} is out of bounds.")
    return place


def _add(document: dict[str, Any], steps: Sequence[str], value: Any, parents: bool) -> None:
    *way, last = steps
    node: Any = document
    for step in way:
        if parents and isinstance(node, dict):
            node.setdefault(step, {})
        node = node[_key(node, step)]
    if isinstance(node, dict):
        node[last] = value
    elif isinstance(node, list) and last == "-":
        node.append(value)
    else:
        place = _place(node, last, 0)
        node.insert(place, value)


def _replace(document: dict[str, Any], steps: Sequence[str], value: Any) -> None:
    node = _read(document, steps[:-1])
    key = _key(node, steps[-1])
    node[key] = value


def _remove(document: dict[str, Any], steps: Sequence[str]) -> Any:
    node = _read(document, steps[:-1])
    key = _key(node, steps[-1])
    return node.pop(key)
