"""Reading values from requests; a refusal of a missing value or a wrong type names the value's path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_payments.emulator.core.call import Call
from airflow_provider_payments.emulator.core.parsing import UnreadableBody
from airflow_provider_payments.emulator.flow_service.refusals import FlowRefusal, empty_body, missing, wrong

SPEC_VERSION = "1.0"
_VERSION = re.compile(r"(?:application/vnd\.adobe\.xed[a-z-]*\+json\s*;\s*version=)?(\d+)(?:\.\d+)*", re.IGNORECASE)
_NAMES: Mapping[type, str] = {str: "text", dict: "an object", list: "a list", bool: "true or false"}


def required_parameter(call: Call[Any], name: str) -> str:
    """Return the value of a required query parameter; raise a refusal if it is missing or empty."""
    value = call.parameter(name)
    if value is None:
        raise FlowRefusal("1359-400", f"The query parameter '{name}' is missing.")
    if not value:
        raise FlowRefusal("1337-400", f"The query parameter '{name}' is empty.")
    return value


def body_of(call: Call[Any], *, may_be_empty: bool = False) -> dict[str, Any]:
    """Return the JSON object in the body of a request, which must have a body.

    :param may_be_empty: whether an empty object is accepted.
    """
    body = call.json()
    if body is None or (body == {} and not may_be_empty):
        raise empty_body()
    if not isinstance(body, dict):
        raise UnreadableBody("The request body must be a JSON object.")
    return body


def optional(body: Mapping[str, Any], path: str, kind: type) -> Any:
    """Return the value at a dotted path, or None if the value, or an object on the path, is absent or null.

    :param kind: the required type: ``str``, ``dict``, ``list`` or ``bool``; any other type is refused.
    """
    node: Any = body
    steps = path.split(".")
    for place, step in enumerate(steps):
        if not isinstance(node, dict):
            raise wrong(".".join(steps[:place]), "an object")
        node = node.get(step)
        if node is None:
            return None
    if not isinstance(node, kind):
        raise wrong(path, _NAMES[kind])
    return node


def required(body: Mapping[str, Any], path: str, kind: type) -> Any:
    """Return the value at a dotted path; raise a refusal if it is missing or empty text.

    :param kind: the required type, as for :func:`optional`.
    """
    value = optional(body, path, kind)
    if value is None or value == "":
        raise missing(path)
    return value


def check_version(body: Mapping[str, Any], path: str) -> None:
    """Refuse a version of a spec that does not exist; a body without a version means the newest.

    :param path: the dotted path of the version.
    """
    version = optional(body, path, str)
    if version not in (None, SPEC_VERSION):
        allowed = f"there is no version '{version[:40]}', only '{SPEC_VERSION}'"
        raise FlowRefusal("1413-400", f"'{path}' is not valid: {allowed}.")


def content_of(body: Mapping[str, Any], members: Iterable[str]) -> dict[str, Any]:
    """Return the members of a body that a resource keeps; a spec reference without a version gets the only version.

    :param members: the members that resources of this kind keep.
    """
    content = {name: body[name] for name in members if body.get(name) is not None}
    for name in ("connectionSpec", "flowSpec"):
        reference = content.get(name)
        if isinstance(reference, dict) and reference.get("version") is None:
            content[name] = {**reference, "version": SPEC_VERSION}
    return content


def to_integer(value: Any) -> int | None:
    """Convert a value to an integer, also a text, as the tutorials send it; None for any other value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        text = value.strip().removeprefix("-")
        return int(value) if text.isascii() and text.isdigit() and len(text) < 16 else None
    return value if isinstance(value, int) else None


def to_boolean(value: Any) -> bool | None:
    """Convert a value to a boolean, also a text; None for any other value."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def partial_percent(options: Mapping[str, Any]) -> float | None:
    """Return the tolerated percentage of failed records; None if it is absent or is not a number above 0."""
    given = options.get("partialIngestionPercent")
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        percent = float(given)
    except (ValueError, OverflowError):
        return None
    return percent if 0 < percent < float("inf") else None


def major_version(text: str) -> str | None:
    """Return the major version in ``1.0`` or ``application/vnd.adobe.xed-full+json;version=1.3``, or None."""
    match = _VERSION.fullmatch(text.strip())
    return match[1] if match else None
