"""An update changes only members that the user set, for any arguments and any existing object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from airflow_provider_payments.aep.errors import Difference
from airflow_provider_payments.aep.resources.base import Resource, Unchangeable
from airflow_provider_payments.aep.resources.delta_column import DeltaColumn
from airflow_provider_payments.aep.resources.schedule import Schedule
from tests.aep.chain import COLUMNS, FLOW_SERVICE, KINDS, REGISTRY, Chain
from tests.conftest import Emulator

Node = dict[str, Any]
Path = tuple[str | int, ...]

example_settings = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
#: Members that the services themselves change with every update.
MEMBERS_OF_EVERY_CHANGE = {
    "etag",
    "updatedAt",
    "updatedBy",
    "updatedClient",
    "lastOperation",
    "version",
    "updated",
    "updatedUser",
}
ABSENT = "absent"


def changes(before: Any, after: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the paths at which two JSON values differ; an added or removed value counts as one path."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys: Any = dict.fromkeys([*before, *after])
        inner = {key: (before.get(key, ABSENT), after.get(key, ABSENT)) for key in keys}
    elif isinstance(before, list) and isinstance(after, list):
        pad = [ABSENT] * abs(len(before) - len(after))
        inner = dict(enumerate(zip([*before, *pad], [*after, *pad], strict=False)))
    else:
        if json.dumps(before) != json.dumps(after):
            yield path
        return
    for key, (one, other) in inner.items():
        yield from changes(one, other, (*path, key))


def test_changes_yields_every_changed_place() -> None:
    before = {"a": [1, {"b": "5"}], "c": True, "d": 0}
    after = {"a": [1, {"b": 5}, 2], "c": 1, "e": 0}
    assert set(changes(before, after)) == {("a", 1, "b"), ("a", 2), ("c",), ("d",), ("e",)}


def updated(chain: Chain, emulator: Emulator, name: str, resource: Resource, object_id: str) -> tuple[Node, set[Path]]:
    """Update an object; return its item before the update, and the paths that have changed."""

    def shown() -> Node:
        items = emulator.objects(KINDS[name].objects)
        return next(item for item in items if object_id in (item.get("id"), item.get("$id")))

    before = shown()
    assert chain.ensure(resource, if_exists="update").existing.id == object_id
    (existing,) = resource.look_up(chain.client)
    assert resource.differences(chain.client, existing) == []
    return before, {path for path in changes(before, shown()) if path[0] not in MEMBERS_OF_EVERY_CHANGE}


def test_every_kind_with_changeable_fields_is_tested_in_this_module(chain: Chain) -> None:
    changed = {name for name, kind in KINDS.items() if kind.build(chain).changeable}
    assert changed | {"field group"} == {"dataflow", "field group", "dataset", "schema"}


@pytest.mark.parametrize("name", sorted(set(KINDS) - {"dataflow", "field group", "dataset", "schema"}))
def test_an_update_of_any_other_kind_is_refused(name: str, chain: Chain) -> None:
    resource = KINDS[name].build(chain)
    existing = resource.kind.find(chain.client, chain.ensure(resource).existing.id)
    assert existing is not None
    assert isinstance(resource.judge(existing, [Difference("anything", 1, 2)], 0.0), Unchangeable)


# ---- dataflows -------------------------------------------------------------------------------------------------------


def optional_members(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Node]:
    """Return a strategy for objects with any subset of these members."""
    return st.fixed_dictionaries({}, optional=members)


OWN = st.sampled_from([None, 0, "x", [1], {"y": "z"}])
LIVE = st.fixed_dictionaries(
    {
        "delta": optional_members(dateFormat=st.sampled_from(["YYYY-MM-DD", "yyyy"]), timezone=st.just("UTC"), own=OWN),
        "copy": optional_members(own=OWN),
        "mapping": st.fixed_dictionaries({"mappingVersion": st.sampled_from([0, "0"])}, optional={"own": OWN}),
        "schedule": st.fixed_dictionaries(
            {"interval": st.sampled_from([15, "15", 30]), "startTime": st.sampled_from([4102444800, "4102444800"])},
            optional={"backfill": st.sampled_from([True, False, "true", "false"]), "own": OWN},
        ),
        "options": optional_members(
            partialIngestionPercent=st.sampled_from([5, "5", 7.5]),
            errorDiagnosticsEnabled=st.sampled_from([True, False, "true"]),
            own=OWN,
        ),
        "reverse": st.booleans(),
        "disabled": st.booleans(),
        "more": optional_members(
            labels=st.just(["core/C1"]), description=st.just("by hand"), recordTypes=st.just([{"type": "x"}])
        ),
    }
)
WRITTEN = optional_members(
    backfill=st.booleans(),
    delta_column=st.builds(DeltaColumn, st.sampled_from(COLUMNS), st.sampled_from(["", "yyyy"]), st.just("")),
    mapping=st.booleans(),
    partial_ingestion_percent=st.sampled_from([0, 5, 10]),
    error_diagnostics=st.booleans(),
    enabled=st.booleans(),
    description=st.sampled_from(["by hand", "ours"]),
)
EVERY = st.sampled_from([("minute", 15), ("minute", 45), ("hour", 1)])


def create_foreign_dataflow(chain: Chain, live: Node) -> str:
    """Create a dataflow of the desired name as another client would; return its id."""
    copy = {"deltaColumn": {"name": "Create_Time"} | live["delta"]} | live["copy"]
    steps = [
        {"name": "Copy", "params": copy},
        {"name": "Mapping", "params": {"mappingId": chain.mapping_set_id} | live["mapping"]},
    ]
    body = chain.dataflow().payload() | live["more"]
    body |= {"transformations": steps[::-1] if live["reverse"] else steps, "options": live["options"]}
    object_id = chain.post(
        f"{FLOW_SERVICE}/flows", body | {"scheduleParams": {"frequency": "minute"} | live["schedule"]}
    )
    if live["disabled"]:
        chain.post(f"{FLOW_SERVICE}/flows/{object_id['id']}/action", None, op="disable")
    return str(object_id["id"])


def allowed_of_dataflow(before: Node, written: Node) -> set[Path]:
    """Return the paths that the arguments may change."""
    places = {
        step["name"]: ("transformations", place, "params") for place, step in enumerate(before["transformations"])
    }
    allowed: set[Path] = {("scheduleParams", "frequency"), ("scheduleParams", "interval")}
    if "backfill" in written:
        allowed.add(("scheduleParams", "backfill"))
    delta: DeltaColumn = written.get("delta_column", DeltaColumn("Create_Time"))
    allowed |= {(*places["Copy"], "deltaColumn", member) for member in delta.desired}
    if written.get("mapping"):
        allowed |= {(*places["Mapping"], "mappingId"), (*places["Mapping"], "mappingVersion")}
    if "partial_ingestion_percent" in written:
        allowed |= {("options", "partialIngestionPercent"), ("options", "errorDiagnosticsEnabled")}
    if "error_diagnostics" in written:
        allowed.add(("options", "errorDiagnosticsEnabled"))
    allowed |= {("description",)} if "description" in written else set()
    allowed |= {("state",)} if "enabled" in written else set()
    return allowed


def test_an_update_of_any_dataflow_keeps_members_that_are_not_set(chain: Chain, emulator: Emulator) -> None:
    other = chain.ensure(chain.mapping_set(mappings={"_id": "Type"})).existing.id

    @example_settings
    @given(live=LIVE, written=WRITTEN, every=EVERY)
    def holds(live: Node, written: Node, every: tuple[str, int]) -> None:
        # Partial ingestion turns diagnostics on, so `error_diagnostics=False` is refused with it.
        percent = {"partial_ingestion_percent", "partialIngestionPercent"} & {*written, *live["options"]}
        assume(not (percent and written.get("error_diagnostics") is False))
        if live["disabled"]:
            written = {"enabled": True} | written
        flow = create_foreign_dataflow(chain, live)
        try:
            given_ = {name: value for name, value in written.items() if name not in ("backfill", "mapping")}
            given_ |= {"mapping_set_id": other} if written.get("mapping") else {}
            resource = chain.dataflow(schedule=Schedule(*every, backfill=written.get("backfill")), **given_)
            before, changed = updated(chain, emulator, "dataflow", resource, flow)
            assert changed <= allowed_of_dataflow(before, written)
        finally:
            chain.client.request("DELETE", f"{FLOW_SERVICE}/flows/{flow}")

    holds()


# ---- fields ----------------------------------------------------------------------------------------------------------

NAMES = ("a", "b", "c", "type", "enum", "items")
KEYWORDS = optional_members(
    maxLength=st.integers(1, 9), pattern=st.just("^x"), title=st.just("T"), default=st.just("x"), format=st.just("uri")
)
TEXTS = st.sets(st.sampled_from("pqrs"), min_size=1).map(sorted)
LEAVES = st.one_of(
    KEYWORDS.map(lambda more: {"type": "string"} | more),
    TEXTS.map(lambda values: {"type": "string", "enum": values, "meta:enum": {values[0]: "L"}}),
    TEXTS.map(lambda values: {"type": "string", "meta:enum": {value: value.upper() for value in values}}),
    optional_members(minimum=st.integers(0, 5), maximum=st.integers(6, 9)).map(lambda more: {"type": "integer"} | more),
)


def holders(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    properties = st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    return st.one_of(
        st.builds(
            lambda fields, more: {"type": "object", "properties": fields} | more,
            properties,
            optional_members(title=st.just("T")),
        ),
        inner.map(lambda node: {"type": "array", "items": node}),
        inner.map(lambda node: {"type": "object", "additionalProperties": node}),
    )


FIELDS = st.recursive(LEAVES, holders, max_leaves=8)


@st.composite
def extended_field(draw: st.DrawFn, live: Node) -> Node:
    """Draw a desired field that repeats a part of a live field and adds to it."""
    desired = {"type": live["type"]} | {key: value for key, value in live.items() if draw(st.booleans())}
    if "enum" in live:
        desired["enum"] = list(dict.fromkeys([*live["enum"][1:], *draw(TEXTS)]))
    elif "meta:enum" in desired:
        desired["meta:enum"] = {value: draw(st.sampled_from(["L", "M"])) for value in draw(TEXTS)}
    for holder in ("items", "additionalProperties"):
        if holder in desired:
            desired[holder] = draw(extended_field(live[holder]))
    if "properties" in desired:
        known = {name: draw(extended_field(node)) for name, node in live["properties"].items() if draw(st.booleans())}
        desired["properties"] = draw(st.dictionaries(st.sampled_from(NAMES), LEAVES, max_size=2)) | known
        for name in set(live["properties"]) - set(known):
            desired["properties"].pop(name, None)
    return desired


def is_set_by_user(path: Path, desired: Any) -> bool:
    """Return whether the user set the value at a path; a list, such as an enum, counts as a whole."""
    for step in path:
        if isinstance(desired, list):
            return True
        if not isinstance(desired, dict) or step not in desired:
            return False
        desired = desired[step]
    return True


def exists_at(path: Path, found: Any) -> bool:
    """Return whether a value exists at a path."""
    for step in path:
        if step not in (found if isinstance(found, dict) else range(len(found))):
            return False
        found = found[step]
    return True


def test_an_update_of_any_fields_adds_fields_and_keeps_existing_ones(chain: Chain, emulator: Emulator) -> None:
    place = ("definitions", "customFields", "properties", "_emulator", "properties", "f")

    @example_settings
    @given(data=st.data(), live=FIELDS)
    def holds(data: st.DataObject, live: Node) -> None:
        group = chain.ensure(chain.field_group(fields={"f": live})).existing.id
        try:
            desired = data.draw(extended_field(live))
            resource = chain.field_group(fields={"f": desired})
            before, changed = updated(chain, emulator, "field group", resource, group)
            for path in changed - {("meta:registryMetadata", stamp) for stamp in ("eTag", "repo:lastModifiedDate")}:
                assert path[: len(place)] == place
                below: Path = path[len(place) :]
                assert is_set_by_user(below, desired)
                # No existing value was removed or changed, except for labels that the user set.
                assert not exists_at(path, before) or path[-2] == "meta:enum"
        finally:
            chain.client.request("DELETE", f"{REGISTRY}/tenant/fieldgroups/{group.replace('/', '%2F')}")

    holds()


# ---- tags and references ---------------------------------------------------------------------------------------------

TAGS = st.dictionaries(
    st.sampled_from(["team", "own", "other"]), st.lists(st.sampled_from("abc"), min_size=1, unique=True)
)


def test_an_update_of_any_dataset_adds_tags_and_keeps_the_others(chain: Chain, emulator: Emulator) -> None:
    chain.schema_id  # noqa: B018 - creates the schema before the first example

    @example_settings
    @given(live=TAGS, desired=TAGS, description=st.sampled_from([None, "by hand", "ours"]))
    def holds(live: Node, desired: Node, description: str | None) -> None:
        object_id = chain.ensure(chain.dataset(tags=live, description="by hand")).existing.id
        try:
            resource = chain.dataset(tags=desired, description=description)
            before, changed = updated(chain, emulator, "dataset", resource, object_id)
            assert (("description",) in changed) is (description == "ours")
            for path in changed - {("description",)}:
                assert path[:2] == ("tags", path[1])
                assert path[1] in desired
                # Values are added after the existing ones.
                assert len(path) == 2 or int(path[2]) >= len(before["tags"][path[1]])
        finally:
            chain.client.request("DELETE", f"/data/foundation/catalog/dataSets/{object_id}")

    holds()


@pytest.mark.parametrize("references", [("group_id",), ()])
@pytest.mark.parametrize("description", [None, "ours"])
def test_an_update_of_a_schema_only_adds_references(
    references: tuple[str, ...], description: str | None, chain: Chain, emulator: Emulator
) -> None:
    person = "https://ns.adobe.com/xdm/context/profile-person-details"
    groups = tuple(getattr(chain, name) for name in references)
    object_id = chain.ensure(chain.schema(field_groups=groups, description="by hand")).existing.id
    resource = chain.schema(field_groups=(person,), description=description)
    before, changed = updated(chain, emulator, "schema", resource, object_id)
    assert (("description",) in changed) is (description is not None)
    assert {path for path in changed if path[0] not in ("meta:registryMetadata", "description")} == {
        ("allOf", len(before["allOf"])),
        ("refs", len(before["refs"])),
        ("meta:extends", len(before["meta:extends"])),
    }
