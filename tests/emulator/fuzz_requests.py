"""Strategies for hostile requests.

A request is drawn before the objects that it names exist. It refers to an object by a name between tildes, such as
``~flows~`` for the id of a dataflow, which the sender replaces by the id.
"""

from __future__ import annotations

import base64
import copy
import json
import string
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.emulator.client import FLOW, REGISTRY
from tests.emulator.fuzz_values import (
    FORM,
    HEADER_NAMES,
    HEADER_VALUES,
    KINDS,
    MEMBERS,
    NAMES,
    ODDITIES,
    POINTERS,
    QUERY_VALUES,
    RAW_BODIES,
    RAW_TEXTS,
    VALID_BODIES,
    VALID_PATCH,
    VALID_QUERIES,
)

Changes = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class HostileRequest:
    """A hostile request.

    :param target: the path and query as in the request line.
    :param changes: the headers that differ from those of a correct client; None leaves a header out.
    """

    method: str
    target: str
    changes: Changes = ()
    body: bytes | None = None

    def __repr__(self) -> str:
        body = "" if self.body is None else f" {len(self.body)} bytes {self.body[:1500]!r}"
        return f"<{self.method} {self.target[:1500]} {dict(self.changes)}{body}>"


_ANY_VALUES = st.sampled_from(ODDITIES) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(ODDITIES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
# Values are copied, because a drawn value may be mutated later.
VALUES = _ANY_VALUES.map(copy.deepcopy)
JSON_TOKENS = st.builds(
    lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode(),
    VALUES | st.fixed_dictionaries({"n": VALUES, "k": st.none() | st.lists(VALUES, min_size=2, max_size=4)}),
)


@st.composite
def requests_to(draw: st.DrawFn, method: str, path: str) -> HostileRequest:
    """A request to a route of which one part is odd. All parts are odd seldom, because the first one is refused then.

    :param path: the path of the route, with its parameters in braces.
    """
    respects = ["path"] * ("{" in path) + ["query", "headers", "all"]
    respects += ["body"] if method in ("GET", "DELETE") else ["body"] * 4
    odd = draw(st.sampled_from(respects))

    def is_odd(respect: str) -> bool:
        return odd in (respect, "all")

    target = draw(_paths(path)) if is_odd("path") else _usual_path(path)
    query = draw(_queries(path)) if is_odd("query") else VALID_QUERIES.get(path, "")
    changes = _usual_changes(method, path) + (draw(_changes()) if is_odd("headers") else ())
    body = draw(_bodies(method, path)) if is_odd("body") else _usual_body(method, path)
    return HostileRequest(method, f"{target}?{query}" if query else target, changes, body)


@st.composite
def requests_to_nowhere(draw: st.DrawFn) -> HostileRequest:
    """A request to an invented address."""
    words = st.sampled_from(
        [
            *KINDS,
            *FLOW.split("/"),
            "tenant",
            "global",
            "__emulator__",
            "ims",
            "token",
            "favicon.ico",
            "docs",
            *RAW_TEXTS,
        ]
    )
    method = draw(st.sampled_from(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW", "get")))
    target = "/" + "/".join(draw(st.lists(words, max_size=6))) + draw(st.just("") | _queries("").map("?{}".format))
    return HostileRequest(method, target, draw(st.just(()) | _changes()), draw(st.sampled_from((None, *RAW_BODIES))))


_KINDS_OF_OTHERS = {
    "mixins": "fieldgroups",
    "datasets": "dataSets",
    "ttl": "dataSets",
    "export": "schemas",
    "sampledata": "schemas",
    "auditlog": "schemas",
}


def kind_of(path: str) -> str | None:
    """The kind of resource that a route's parameter names; None if the path does not show it."""
    before = path.partition("/{")[0].rpartition("/")[2]
    kind = _KINDS_OF_OTHERS.get(before, before)
    return kind if kind in KINDS else None


def _usual_path(path: str) -> str:
    if "{" not in path:
        return path
    return f"{path.partition('{')[0]}~{kind_of(path) or 'flows'}~{path.partition('}')[2]}"


def _usual_changes(method: str, path: str) -> Changes:
    if path.startswith("/ims"):
        return (("Content-Type", "application/x-www-form-urlencoded"),)
    if method not in ("PATCH", "PUT", "DELETE"):
        return ()
    return (("If-Match", "*" if path.startswith(REGISTRY) else f"~{kind_of(path) or 'flows'}.etag~"),)


def _usual_body(method: str, path: str) -> bytes | None:
    if path.startswith("/ims"):
        return FORM.encode()
    if method in ("GET", "DELETE"):
        return None
    return _encoded(VALID_BODIES.get((method, path), VALID_PATCH if method == "PATCH" else {}))


@cache
def _paths(path: str) -> st.SearchStrategy[str]:
    begin, _, end = path.partition("{")
    end = end.partition("}")[2]
    any_id = st.sampled_from([f"~{kind}~" for kind in KINDS])
    ids = st.one_of(any_id, st.sampled_from(RAW_TEXTS), st.text(max_size=20).map(_quoted))
    slashes = st.sampled_from(("", "", "", "/", "//"))
    if "{" not in path:
        return slashes.map(lambda slash: path + slash)
    return st.builds(lambda identifier, slash: begin + identifier + end + slash, ids, slashes)


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@cache
def _queries(path: str) -> st.SearchStrategy[str]:
    values = st.sampled_from(QUERY_VALUES) | st.sampled_from(RAW_TEXTS) | JSON_TOKENS | st.text(max_size=9).map(_quoted)
    values = values.map(lambda text: quote(text, safe=string.printable.replace(" ", "").replace("#", "")))
    pairs = st.lists(st.builds("{}={}".format, st.sampled_from(NAMES), values), min_size=1, max_size=4)
    usual = VALID_QUERIES.get(path)
    # Of two parameters with the same name, the service uses the first one.
    mixed = (
        [pairs]
        if usual is None
        else [pairs, pairs.map(lambda odd: [usual, *odd]), pairs.map(lambda odd: [*odd, usual])]
    )
    return st.one_of(mixed).map("&".join)


@cache
def _changes() -> st.SearchStrategy[Changes]:
    odd = st.tuples(st.sampled_from(HEADER_NAMES), st.none() | st.sampled_from(HEADER_VALUES))
    return st.lists(odd, min_size=1, max_size=2).map(tuple)


@cache
def _bodies(method: str, path: str) -> st.SearchStrategy[bytes | None]:
    raw: st.SearchStrategy[bytes | None] = st.sampled_from(RAW_BODIES)
    if path.startswith("/ims"):
        return st.one_of(_queries("").map(str.encode), _queries("").map(lambda text: f"{FORM}&{text}".encode()), raw)
    known = VALID_BODIES.get((method, path))
    if known is not None:
        documents = [_mutated(st.just(known))]
    else:
        others = st.sampled_from(list(VALID_BODIES.values()))
        documents = [_mutated(others), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)]
    if method == "PATCH":
        documents = [_patches(), _patches(), _patches(), *documents]
    document = st.one_of(documents).map(_encoded)
    return st.one_of(document, document, document, raw)


def _encoded(document: Any) -> bytes:
    return json.dumps(document).encode()


@cache
def _patches() -> st.SearchStrategy[Any]:
    operations = st.sampled_from(("add", "replace", "remove", "ADD", "Replace", "move", "copy", "test", "", None))
    step = st.fixed_dictionaries(
        {"op": operations, "path": st.sampled_from(POINTERS) | VALUES}, optional={"value": VALUES}
    )
    return st.lists(st.one_of(step, step, step, VALUES), max_size=3)


@st.composite
def _mutated(draw: st.DrawFn, bases: st.SearchStrategy[Any]) -> Any:
    """A body in which one to three nodes are replaced, removed, wrapped in a list, or have an additional member."""
    document = json.loads(json.dumps(draw(bases)))
    for _ in range(draw(st.integers(1, 3))):
        places = _places(document)
        if not places:
            break
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        how = draw(st.sampled_from(("replace", "replace", "replace", "remove", "more", "wrap")))
        if how == "replace":
            holder[key] = draw(VALUES)
        elif how == "remove":
            del holder[key]
        elif how == "wrap":
            holder[key] = [holder[key], holder[key]]
        elif isinstance(holder, dict):
            holder[draw(st.text(max_size=5) | st.sampled_from(MEMBERS))] = draw(VALUES)
        else:
            holder.append(draw(VALUES))
    return document


def _places(node: Any) -> list[tuple[Any, Any]]:
    """The (holder, key) pairs of all values below a node."""
    places: list[tuple[Any, Any]] = []
    keys: Any = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        places.append((node, key))
        places += _places(node[key])
    return places
