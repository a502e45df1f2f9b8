"""Hypothesis strategies for definitions."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from airflow_provider_payments.aep.dataflows.converters import CLASSES
from airflow_provider_payments.aep.dataflows.definition import (
    Connection,
    Dataset,
    Definition,
    DeltaColumn,
    Identity,
    Schedule,
    Schema,
    Source,
)

WORDS = st.from_regex("[A-Za-z][A-Za-z0-9]{0,6}", fullmatch=True)
#: Names that services accept; YAML may read some of them as other values.
NAMES = st.sampled_from(["no", "2026", "1e3", "null", "Zahlungen für März", "a: b", "- x", "# 1", "?x"]) | WORDS
TEXTS = NAMES | st.sampled_from(["two\nlines\n", 'it\'s "quoted"', "${var.x}", "tab\there", "ends: "])
FIELDS = st.lists(WORDS, min_size=1, max_size=2).map(".".join)
UNITS = st.sampled_from(["minutes", "hours", "days", "weeks"])


def optional(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return dictionaries with some of these members."""
    return st.fixed_dictionaries({}, optional=dict(members))


@st.composite
def sources(draw: st.DrawFn) -> Source:
    connection = draw(
        NAMES | st.builds(Connection, name=NAMES, airflow_conn_id=WORDS) | st.builds(Connection, id=WORDS)
    )
    vendor = draw(st.sampled_from(["paypal", "square", "stripe"]))
    tables = st.fixed_dictionaries({"table": TEXTS}, optional={"columns": st.lists(TEXTS, min_size=1, unique=True)})
    paths = st.fixed_dictionaries({"path": TEXTS, "format": st.sampled_from(["tabular", "json"])})
    place = {"resource": draw(WORDS)} if vendor == "stripe" else draw(tables | paths)
    return Source(vendor=vendor, connection=connection, **place, **draw(optional(flow_spec=WORDS, name=NAMES)))


def mappings(columns: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return mappings of these columns, of expressions and of constants."""
    places = FIELDS | FIELDS.map("_{}".format) | FIELDS.map("xdm:{}".format)
    sources = columns | st.fixed_dictionaries({"expression": TEXTS}) | st.fixed_dictionaries({"value": TEXTS})
    return st.dictionaries(places, sources, min_size=1, max_size=4)


def profile_of(given: dict[str, Any]) -> bool | None:
    """Return the value of ``profile`` that a schema with these members may have; true requires a primary identity."""
    identity, profile = given.get("identity"), given.get("profile")
    return profile if not profile or (identity and identity.primary) else None


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """Draw a consistent definition."""
    source = draw(sources())
    columns = st.sampled_from(source.columns) if source.columns else TEXTS
    timing: dict[str, Any] = {}
    repeated = draw(st.booleans())
    if repeated:
        every = f"{draw(st.integers(15, 90))} {draw(UNITS)}"
        timing["schedule"] = draw(
            st.sampled_from([f"every {every}", Schedule(every=every, backfill=draw(st.booleans()))])
        )
        if not source.resource:
            names = columns.map(lambda name: DeltaColumn(name=name)) | columns.map(
                lambda name: DeltaColumn(name=name, format="yyyy", timezone="UTC")
            )
            timing["delta_column"] = draw(names)
    targets = optional(
        title=NAMES.map("S {}".format),
        description=TEXTS,
        class_=st.sampled_from([*CLASSES, "https://ns.adobe.com/x"]),
        field_group=NAMES.map("G {}".format),
        field_groups=st.lists(NAMES, max_size=2),
        identity=st.builds(Identity, field=FIELDS.map("xdm:{}".format), namespace=WORDS, primary=st.booleans()),
        profile=st.booleans(),
    ).map(lambda given: Schema(**given | {"profile": profile_of(given)}))
    datasets = optional(name=NAMES, description=TEXTS, tags=st.dictionaries(WORDS, st.lists(TEXTS, max_size=2))).map(
        lambda given: Dataset(**given)
    )
    others = optional(
        description=TEXTS,
        previous_names=st.lists(NAMES.map("old {}".format), max_size=2),
        id=WORDS,
        manage_unmarked=st.booleans(),
        enabled=st.booleans(),
        allow_second_reader=st.booleans(),
        schema=targets | NAMES,
        dataset=datasets | NAMES,
        target_name=NAMES,
        tolerance=st.sampled_from(["0%", "0.1%", "5%", "12.5%", "100%"]),
    )
    name, mapped = draw(NAMES), draw(mappings(columns))
    return Definition(name=name, source=source, mappings=mapped, **timing, **draw(others))
