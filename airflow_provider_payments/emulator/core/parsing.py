"""Parsing JSON bodies, within limits, and whole numbers in queries."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_BODY_BYTES = 16 * 1024 * 1024
# Deeper documents would exhaust the stack of recursive code; no real payload comes near this depth.
MAX_DEPTH = 100
# More objects and lists would take seconds to parse, which would block all other requests; no real payload has as many.
MAX_CONTAINERS = 100_000


class UnreadableBody(Exception):
    """A request body is not the JSON that the operation requires; the service answers with its own refusal."""


def parse_count(text: str) -> int | None:
    """Parse a whole number, 0 or more, in a query; None for any other text.

    :param text: a number with more than 18 digits becomes 10 to the 18th, which is larger than any list.
    """
    if not (text.isascii() and text.isdigit()):
        return None
    return int(text) if len(text) < 19 else 10**18


def parse_json(raw: bytes) -> Any:
    """Parse strict JSON: UTF-8, whole characters, finite numbers, bounded size and depth.

    :raises UnreadableBody: if the document is anything else.
    """
    # The number of brackets is a fast upper bound of containers and depth: nearly every body passes by it alone.
    brackets = raw.count(b"[") + raw.count(b"{")
    if brackets > MAX_CONTAINERS:
        raise UnreadableBody(f"The request body holds more than {MAX_CONTAINERS} objects and lists.")
    try:
        document = json.loads(raw.decode("utf-8"), parse_constant=_reject_constant, parse_float=_parse_finite)
        if b"\\ud" in raw.lower():
            # Half of a surrogate pair cannot be encoded outside JSON, in a link for example.
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise UnreadableBody("The request body is not valid JSON.") from error
    if brackets > MAX_DEPTH and depth_exceeds(document, MAX_DEPTH):
        raise UnreadableBody(f"The request body is nested deeper than {MAX_DEPTH} levels.")
    return document


def _reject_constant(name: str) -> None:
    raise ValueError(name)


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def depth_exceeds(document: Any, limit: int) -> bool:
    """Return whether objects and lists are nested more than ``limit`` deep."""
    level = [document]
    for _ in range(limit + 1):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True
