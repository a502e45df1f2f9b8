"""JSON Patch (RFC 6902): ``add``, ``replace`` and ``remove``, in any case of letters."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_payments.emulator.exchange import MAX_DEPTH, count_from, depth_exceeds

Operation = Literal["add", "replace", "remove"]


class PatchError(Exception):
    """A patch that cannot be applied.

    :param reason: ``malformed`` (a member is missing or of a wrong type), ``operation`` (not one that is offered) or
        ``path`` (leads nowhere).
    """

    def __init__(self, reason: Literal["malformed", "operation", "path"], detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Instruction:
    """One checked step of a patch.

    :param steps: the decoded parts of its path.
    """

    operation: Operation
    path: str
    steps: tuple[str, ...]
    value: Any


def parse_patch(document: Any) -> list[Instruction]:
    """Check a patch without applying it; raises :class:`PatchError`."""
    if not isinstance(document, list) or not document:
        raise PatchError("malformed", "A patch is a list of at least one instruction.")
    return [_instruction(entry) for entry in document]


def _instruction(entry: Any) -> Instruction:
    if not isinstance(entry, dict):
        raise PatchError("malformed", "Each instruction of a patch is an object.")
    for member in ("op", "path"):
        if not isinstance(entry.get(member), str):
            raise PatchError("malformed", f"Missing field '{member}' in a patch instruction.")
    operation = entry["op"].lower()
    if operation not in ("add", "replace", "remove"):
        raise PatchError("operation", f"Unsupported operation '{entry['op'][:40]}' received.")
    if operation != "remove" and "value" not in entry:
        raise PatchError("malformed", "Missing field 'value' in a patch instruction.")
    path = entry["path"]
    if not path.startswith("/"):
        raise PatchError("path", f"The patch path '{path[:80]}' must begin with a slash.")
    steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/"))
    return Instruction(operation, path, steps, entry.get("value"))


def apply_patch(document: dict[str, Any], patch: list[Instruction], *, parents: bool = False) -> dict[str, Any]:
    """A patched copy; the document stays as it is. Raises :class:`PatchError`.

    :param parents: ``add`` makes the objects on its way that do not exist.
    """
    result = copy.deepcopy(document)
    for instruction in patch:
        _apply(result, instruction, parents)
    if depth_exceeds(result, MAX_DEPTH):
        raise PatchError("malformed", f"The patched resource would be nested deeper than {MAX_DEPTH} levels.")
    return result


def _apply(document: dict[str, Any], instruction: Instruction, parents: bool) -> None:
    nowhere = PatchError("path", f"The patch path '{instruction.path[:200]}' does not exist.")
    parent: Any = document
    for step in instruction.steps[:-1]:
        if parents and instruction.operation == "add" and isinstance(parent, dict):
            parent.setdefault(step, {})
        parent = _child(parent, step, nowhere)
    match parent:
        case dict():
            _change_object(parent, instruction.steps[-1], instruction, nowhere)
        case list():
            _change_list(parent, instruction.steps[-1], instruction, nowhere)
        case _:
            raise nowhere


def _child(parent: Any, step: str, nowhere: PatchError) -> Any:
    if isinstance(parent, dict) and step in parent:
        return parent[step]
    if isinstance(parent, list):
        return parent[_place(step, len(parent) - 1, nowhere)]
    raise nowhere


def _change_object(parent: dict[str, Any], last: str, instruction: Instruction, nowhere: PatchError) -> None:
    if instruction.operation != "add" and last not in parent:
        raise nowhere
    if instruction.operation == "remove":
        del parent[last]
    else:
        parent[last] = copy.deepcopy(instruction.value)


def _change_list(parent: list[Any], last: str, instruction: Instruction, nowhere: PatchError) -> None:
    value = copy.deepcopy(instruction.value)
    if instruction.operation == "add":
        parent.insert(len(parent) if last == "-" else _place(last, len(parent), nowhere), value)
        return
    place = _place(last, len(parent) - 1, nowhere)
    if instruction.operation == "remove":
        del parent[place]
    else:
        parent[place] = value


def _place(step: str, largest: int, nowhere: PatchError) -> int:
    place = count_from(step)
    if place is None or place > largest:
        raise nowhere
    return place
