"""For any items and any query, lists answer the items that the reference implementation below selects.

The reference implementation follows the documents of the services, and shares no code with the emulator: it filters,
sorts and pages the whole list. ``EMULATOR_QUERY_EXAMPLES`` sets the number of examples for each service.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.emulator.http.server import EmulatorServer
from tests.emulator.client import CATALOG, DATA_PREP, FLOW, PROFILE, REGISTRY, XED, Client, mapping_body, source_body
from tests.emulator.schema_registry.registry import schema_body

EXAMPLES = int(os.environ.get("EMULATOR_QUERY_EXAMPLES", "25"))
TEXTS = ("a", "b", "B", "ab", "10", "9", "1.9", "1.10", "true", "a,b", "a=b")
SCALARS = st.sampled_from((*TEXTS, "", 0, 9, 10, -1, 2.5, True, False, None))
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "x": SCALARS,
        "y": st.fixed_dictionaries({"z": SCALARS}),
        "l": st.lists(SCALARS, max_size=3),
        "o": st.lists(st.fixed_dictionaries({}, optional={"k": SCALARS}), max_size=3),
    },
)
# Each item: its content, the seconds before its creation, and whether it is deleted at once.
ITEMS = st.lists(st.tuples(OBJECTS, st.sampled_from((0, 0, 1)), st.booleans()), min_size=1, max_size=9)
SIGNS = st.sampled_from(("==", "!=", "<", "<=", ">", ">="))
LIMITS = st.integers(1, 4)

# The tests share a server; each example begins with a reset.
example_settings = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def fresh(server: EmulatorServer) -> Client:
    requests.post(f"{server.url}/__emulator__/reset", timeout=10).raise_for_status()
    return Client(server.url)


def fill(client: Client, drawn: list[Any], make: Callable[[int, Any], str], late: bool) -> None:
    """Create the drawn items, and delete those that are to be deleted.

    :param make: creates an item and returns its path.
    :param late: whether lists lag behind the second half of the items.
    """
    for place, (content, seconds, is_deleted) in enumerate(drawn):
        if late and place == len(drawn) // 2:
            client.control("POST", "faults", json={"action": "list_lag", "seconds": 3600, "times": None})
        client.advance(seconds)
        path = make(place, content)
        if is_deleted:
            assert client.ask("DELETE", path).status_code in (200, 204)


def at(node: Any, path: str, explicit_arrays: bool) -> list[Any]:
    """The values at a path.

    :param explicit_arrays: whether a path enters arrays by ``[]`` only, not implicitly.
    """
    if not explicit_arrays and isinstance(node, list):
        return [value for entry in node for value in at(entry, path, explicit_arrays)]
    if not path:
        return [node]
    name, _, rest = path.partition(".")
    if not isinstance(node, dict) or name.removesuffix("[]") not in node:
        return []
    child = node[name.removesuffix("[]")]
    if name.endswith("[]"):
        return (
            [value for entry in child for value in at(entry, rest, explicit_arrays)] if isinstance(child, list) else []
        )
    return at(child, rest, explicit_arrays)


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def number(value: Any) -> float | None:
    if isinstance(value, str):
        return float(value) if re.fullmatch(r"-?\d+(\.\d+)?", value) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def compare(sign: str, one: Any, other: Any) -> bool:
    return {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[sign]


def version(value: str) -> Any:
    return (0, *map(int, value.split("."))) if re.fullmatch(r"\d+(\.\d+)*", value) else (1, value)


def meets(found: list[Any], sign: str, wanted: str, equal: Callable[[Any, str], bool], versions: bool) -> bool:
    plain = [value for value in found if not isinstance(value, dict | list)]
    if sign in ("==", "!="):
        return any(equal(value, wanted) for value in plain) == (sign == "==")
    numbers = [value for value in plain if value is not None and number(value) is not None and type(value) is not str]
    others = [text(value) for value in plain if isinstance(value, str | bool)]
    place = version if versions else str
    limit = number(wanted)
    return any(limit is not None and compare(sign, value, limit) for value in numbers) or any(
        compare(sign, place(value), place(wanted)) for value in others
    )


def sorted_by_paths(
    items: list[Any], keys: list[tuple[str, bool]], explicit_arrays: bool, absent_last: bool = False
) -> list[Any]:
    """Sort items by the values at paths: numbers precede texts, and items without a value precede both or come last."""

    def key(item: Any, path: str, descending: bool) -> Any:
        plain = (
            value for value in at(item, path, explicit_arrays) if not isinstance(value, dict | list | None.__class__)
        )
        value = next(plain, None)
        if value is None:
            return (3,) if absent_last and not descending else (0,)
        return (1, value) if number(value) is not None and not isinstance(value, str) else (2, text(value))

    for path, descending in reversed(keys):
        items = sorted(items, key=lambda item: key(item, path, descending), reverse=descending)
    return items


def flow_pages(client: Client, path: str, params: dict[str, Any]) -> Iterator[list[Any]]:
    answer = client.get(path, **params)
    yield answer["items"]
    while "next" in answer["_links"]:
        answer = client.get(FLOW + answer["_links"]["next"]["href"])
        yield answer["items"]


FLOW_PATHS = ("name", "params.e.x", "params.e.y.z", "params.e.l[]", "params.e.l", "params.e.o[].k", "params.e.o.k")


@example_settings
@example(drawn=[({}, 0, False)] * 2, conditions=[], order="createdAt", descending=True, limit=1, late=False)
@given(
    drawn=ITEMS,
    conditions=st.lists(
        st.tuples(st.sampled_from(FLOW_PATHS), SIGNS, st.lists(st.sampled_from((*TEXTS, "null")), min_size=1))
    ),
    order=st.sampled_from(("", "createdAt", *FLOW_PATHS[:3])),
    descending=st.booleans(),
    limit=LIMITS,
    late=st.booleans(),
)
def test_lists_of_flow_service(
    manual_server: EmulatorServer, drawn: Any, conditions: Any, order: str, descending: bool, limit: int, late: bool
) -> None:
    client, path = fresh(manual_server), f"{FLOW}/sourceConnections"

    def make(place: int, content: Any) -> str:
        body = source_body(name="ab"[place % 2])
        return f"{path}/{client.make(path, {**body, 'params': {**body['params'], 'e': content}})['id']}"

    fill(client, drawn, make, late)
    whole = client.get(path)["items"]
    filters = [(where, sign, values if sign in ("==", "!=") else values[:1]) for where, sign, values in conditions]

    def equal(value: Any, wanted: str) -> bool:
        if value is None:
            return wanted == "null"
        return text(value) == wanted or (
            not isinstance(value, str) and number(value) is not None and number(value) == number(wanted)
        )

    def passes(item: Any, where: str, sign: str, values: list[str]) -> bool:
        results = [meets(at(item, where, True), sign, value, equal, versions=False) for value in values]
        return all(results) if sign == "!=" else any(results)

    wanted = [item for item in whole if all(passes(item, *one) for one in filters)]
    expected = sorted_by_paths(wanted, [(order, descending)] if order else [], explicit_arrays=True)
    if order == "createdAt" and descending:
        # The newest comes first among items of the same time.
        expected = wanted[::-1]
    properties = [f"{where}{sign}" + ",".join(f'"{value}"' for value in values) for where, sign, values in filters]
    params = {"property": properties, "limit": limit, **({"orderby": "-" * descending + order} if order else {})}
    pages = list(flow_pages(client, path, params))
    assert [item["id"] for page in pages for item in page] == [item["id"] for item in expected]
    assert {len(page) for page in pages[:-1]} <= {limit}
    assert client.get(path, property=properties, count="true") == {"count": len(wanted)}


CATALOG_PATHS = ("name", "extensions.x", "extensions.y.z", "extensions.l", "extensions.o.k", "extensions.y", "tags.t")


@example_settings
@given(
    drawn=ITEMS,
    conditions=st.lists(
        st.tuples(st.sampled_from(CATALOG_PATHS), SIGNS | st.sampled_from(("", "!")), st.sampled_from(TEXTS))
    ),
    orders=st.lists(st.tuples(st.sampled_from(CATALOG_PATHS[:5]), st.booleans()), max_size=2),
    limit=LIMITS,
    late=st.booleans(),
)
def test_lists_of_catalog(
    manual_server: EmulatorServer, drawn: Any, conditions: Any, orders: Any, limit: int, late: bool
) -> None:
    client, path = fresh(manual_server), f"{CATALOG}/dataSets"
    reference = {"id": client.schema(), "contentType": f"{XED};version=1"}

    def make(place: int, content: Any) -> str:
        tags = [value for value in content.get("l", ()) if isinstance(value, str)]
        body = {"name": "ab"[place % 2], "schemaRef": reference, "extensions": content, "tags": {"t": tags}}
        return f"{path}/{client.make(path, body)[0].rpartition('/')[2]}"

    fill(client, drawn, make, late)
    whole = list(client.get(path, limit=100).items())

    def passes(item: Any, where: str, sign: str, value: str) -> bool:
        found = at(item, where, False)
        if sign in ("", "!"):
            return any(one not in (None, "") for one in found) == (not sign)
        return meets(found, sign, value, lambda one, other: one is not None and text(one) == other, versions=True)

    wanted = [(key, item) for key, item in whole if all(passes(item, *one) for one in conditions)]
    by_item = {id(item): key for key, item in wanted}
    expected = [
        by_item[id(item)] for item in sorted_by_paths([item for _, item in wanted], orders, explicit_arrays=False)
    ]
    properties = [
        f"!{where}" if sign == "!" else f"{where}{sign}{value if sign else ''}" for where, sign, value in conditions
    ]
    params: dict[str, Any] = {"property": properties, "limit": limit}
    if orders:
        params["orderBy"] = ",".join(("desc:" if descending else "") + where for where, descending in orders)
    found: list[str] = []
    while page := list(client.get(path, start=len(found), **params)):
        assert len(page) <= limit
        found += page
    assert found == expected


REGISTRY_PATHS = ("title", "description", "version", "meta:extends", "meta:registryMetadata.eTag", "none")


@example_settings
@given(
    drawn=ITEMS,
    conditions=st.lists(st.tuples(st.sampled_from(REGISTRY_PATHS), SIGNS, st.sampled_from((*TEXTS, "1.0", PROFILE)))),
    orders=st.lists(
        st.tuples(st.sampled_from(("title", "description", "version", "repo:createdDate", "none")), st.booleans()),
        max_size=2,
    ),
    limit=LIMITS,
    late=st.booleans(),
)
def test_lists_of_the_schema_registry(
    manual_server: EmulatorServer, drawn: Any, conditions: Any, orders: Any, limit: int, late: bool
) -> None:
    client, path = fresh(manual_server), f"{REGISTRY}/tenant/schemas"

    def get(**params: Any) -> Any:
        answer = client.ask("GET", path, params=params, headers={"Accept": XED})
        assert answer.status_code == 200, answer.text
        return answer.json()

    created: list[str] = []

    def make(place: int, content: Any) -> str:
        description = content.get("x") if isinstance(content.get("x"), str) else "d"
        body = {**schema_body("9" * (place % 3) + "ab"[place % 2] * place or "10", PROFILE), "description": description}
        created.append(client.make(path, body)["$id"])
        return f"{path}/{requests.utils.quote(created[-1], safe='')}"

    fill(client, drawn, make, late)
    whole = sorted(get()["results"], key=lambda item: created.index(item["$id"]))
    read = [{**item["meta:registryMetadata"], **item} for item in whole]
    wanted = [
        item
        for item in read
        if all(
            meets(at(item, where, False), sign, value, lambda one, other: text(one) == other, versions=True)
            for where, sign, value in conditions
        )
    ]
    keys = orders or [("repo:lastModifiedDate", True)]
    expected = [item["$id"] for item in sorted_by_paths(wanted, keys, explicit_arrays=False, absent_last=True)]
    params: dict[str, Any] = {
        "property": [f"{where}{sign}{value}" for where, sign, value in conditions],
        "limit": limit,
    }
    if orders:
        params["orderby"] = ",".join("-" * descending + where for where, descending in orders)
    page = get(**params)
    found = [page["results"]]
    while (start := page["_page"]["next"]) is not None:
        page = get(**params, start=start)
        found.append(page["results"])
    assert [item["$id"] for page in found for item in page] == expected
    assert all(len(page) >= limit if orders else len(page) == limit for page in found[:-1])


@example_settings
@given(
    drawn=ITEMS,
    name=st.sampled_from((None, "a", "b", "none")),
    order=st.sampled_from(("", "createdDate", "-createdDate", "-lastUpdateDate")),
    limit=LIMITS,
)
def test_lists_of_data_prep(
    manual_server: EmulatorServer, drawn: Any, name: str | None, order: str, limit: int
) -> None:
    client, path = fresh(manual_server), f"{DATA_PREP}/mappingSets"
    body = mapping_body(client.schema())
    created = []
    for place, (_, seconds, again) in enumerate(drawn):
        client.advance(seconds)
        created.append(client.make(path, {**body, "name": "ab"[place % 2]})["id"])
        if again:
            client.advance(1)
            client.ask("PUT", f"{path}/{created[0]}", json=body | {"name": "a"}).raise_for_status()
    whole = client.get(path, limit=100)["data"]
    assert [item["id"] for item in whole] == created
    wanted = [item for item in whole if name in (None, item["name"])]
    field = {"": "", "createdDate": "createdDate"}.get(order.lstrip("-"), "modifiedDate")
    expected = sorted_by_paths(wanted, [(field, order.startswith("-"))] if field else [], explicit_arrays=False)
    params = {"limit": limit, **({"orderBy": order} if order else {}), **({"name": name} if name else {})}
    answer = client.get(path, start=0, **params)
    pages = [answer["data"]]
    while "next" in answer["_links"]:
        answer = client.get(DATA_PREP + answer["_links"]["next"]["href"])
        pages.append(answer["data"])
    assert [item["id"] for page in pages for item in page] == [item["id"] for item in expected]
    assert {len(page) for page in pages[:-1]} <= {limit}
