"""Strategies for any JSON that a service may answer, including texts that only some parsers accept as JSON."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

#: Without limits of time: a busy machine must not fail a test.
QUIETLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

#: Numbers at the limits of counts and timestamps.
NUMBERS = st.sampled_from([0, -1, 1, 2.5, 1e11, 2.5e14, 253402300799, 1e308, 10**400, float("inf"), float("nan")])
TEXTS = st.sampled_from(["", "7", "-1", "1e999", "NaN", "9" * 400, "2026-11-01T00:00:00Z", "\ud800", "x" * 3000])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | NUMBERS | st.text(max_size=5) | TEXTS
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def deep(levels: int = 60_000) -> Any:
    """Return nested lists of this many levels."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for objects with some of these members, each valid or any JSON; and for any other JSON."""
    some = {name: ANY_JSON | member for name, member in members.items()}
    return ANY_JSON | st.fixed_dictionaries({}, optional=some)
