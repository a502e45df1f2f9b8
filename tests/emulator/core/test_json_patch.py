"""Any patch of any document is applied as in RFC 6902, or refused because its path leads nowhere."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.client import FLOW, Client, source_body

KEYS = st.sampled_from(("~", "a", "/"))
TREES = st.recursive(
    st.sampled_from((1, "x", True)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
).filter(lambda tree: isinstance(tree, dict | list))
STEPS = st.lists(st.one_of(KEYS, st.sampled_from(("0", "1", "2", "-", "", "01", "٣"))), min_size=1, max_size=3)
OPERATIONS = st.sampled_from(("add", "replace", "remove"))


@settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES, operation=OPERATIONS, steps=STEPS)
def test_any_patch_is_applied_as_in_rfc_6902_or_refused(
    client: Client, tree: Any, operation: str, steps: list[str]
) -> None:
    params = {"tableName": "PayPal.Catalog_Products", "deep": tree}
    created = client.make(f"{FLOW}/sourceConnections", source_body(params=params))
    path, headers = f"{FLOW}/sourceConnections/{created['id']}", {"If-Match": created["etag"]}
    pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    patch = {"op": operation, "path": f"/params/deep{pointer}", **({} if operation == "remove" else {"value": "new"})}
    try:
        expected = patched(tree, operation, steps)
    except LookupError:
        expected = tree
        client.flow_problem("PATCH", path, "1455-400", json=[patch], headers=headers)
    else:
        assert client.ask("PATCH", path, json=[patch], headers=headers).status_code == 200
    assert client.item("sourceConnections", created["id"])["params"]["deep"] == expected


def patched(node: Any, operation: str, steps: list[str]) -> Any:
    """Apply a patch to a document, as RFC 6902 defines it; raises :class:`LookupError` if its path leads nowhere."""
    first, *rest = steps
    adds = operation == "add" and not rest
    if isinstance(node, dict):
        new = {} if adds else {first: node[first]}
        if rest:
            new = {first: patched(node[first], operation, rest)}
        elif operation != "remove":
            new = {first: "new"}
        kept = {key: value for key, value in node.items() if key != first}
        return kept if operation == "remove" and not rest else {**node, **new}
    if not isinstance(node, list):
        raise LookupError(first)
    if adds and first == "-":
        return [*node, "new"]
    if not (first.isascii() and first.isdigit()) or int(first) >= len(node) + adds:
        raise LookupError(first)
    place = int(first)
    if rest:
        return [*node[:place], patched(node[place], operation, rest), *node[place + 1 :]]
    middle = [] if operation == "remove" else ["new"]
    return [*node[:place], *middle, *node[place + (0 if adds else 1) :]]
