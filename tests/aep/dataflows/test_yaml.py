"""The strict YAML reader: values that readers understand differently are text or refused; each value has its place."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_payments.aep.dataflows.problems import Place, Problem
from airflow_provider_payments.aep.dataflows.yamlfile import MAX_BYTES, NO_JINJA, Node, read_yaml
from airflow_provider_payments.aep.dataflows.yamltext import write_yaml


def read(text: str | bytes) -> tuple[Node | None, list[str]]:
    problems: list[Problem] = []
    node = read_yaml(text if isinstance(text, bytes) else text.encode(), "f.yaml", problems)
    return node, list(map(str, problems))


def plain(text: str) -> Any:
    node, problems = read(text)
    assert node is not None, problems
    return node.plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("null", None),
        ("-12", -12),
        ("0.5", 0.5),
        ('"5"', "5"),
        *(
            (text, text)
            for text in ("yes", "no", "On", "True", "2026-12-24", "1:30", "0123", "0x1F", "1e3", "1_000", "5%")
        ),
    ],
)
def test_any_scalar_but_decimal_numbers_true_false_and_null_is_text(text: str, value: object) -> None:
    assert plain(f"a: {text}") == {"a": value}
    assert type(plain(f"a: {text}")["a"]) is type(value)


def test_a_json_file_is_read() -> None:
    assert plain('{"a": [1, {"b": "c"}], "d": null}') == {"a": [1, {"b": "c"}], "d": None}


def test_values_and_names_have_their_place() -> None:
    node, _ = read("a:\n  b: {é: 1, cd: [2, 3]}\n")
    assert node is not None
    assert node.at("a", "b", "cd").key == Place("f.yaml", 2, 13)
    assert node.at("a", "b", "cd", 1).place == Place("f.yaml", 2, 21)
    assert node.at("a", "x", "y") is node.at("a")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml:3:1: 'a' occurs twice; first in line 1"),
        ("m:\n  _id: A\n  b: B\n  _id: C", "f.yaml:4:3: m: '_id' occurs twice; first in line 2"),
        ("a: &x 1\nb: *x", "f.yaml:1:4: a: anchors and aliases are not allowed; use defaults or variables"),
        ("a: !!int 5", "f.yaml:1:4: a: tags are not allowed"),
        ("a: !env x", "f.yaml:1:4: a: tags are not allowed"),
        ("<<: {a: 1}", "f.yaml:1:1: merge keys are not allowed; use defaults"),
        ("a: {{ x }}", f"f.yaml:1:5: a: a member's name must be text. {NO_JINJA.partition(' and')[0]}"),
        ("{% if x %}\na: 1", f"f.yaml:1:2: this is not YAML: {NO_JINJA}"),
        ("", "f.yaml:1:1: the file is empty"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1: only one document is allowed; write several dataflows under `dataflows:`"),
        ("a: [1", "f.yaml:2:1: this is not YAML: did not find expected ',' or ']'"),
        (b"a: 1\nb: \xff", "f.yaml:2:1: it must be UTF-8"),
        (b"a: \x00", "f.yaml:1:1: this is not YAML: it contains characters that YAML does not allow"),
        ("[" * 30, "f.yaml:1:22: " + ".".join("0" * 21) + ": at most 20 levels are allowed"),
        (b"a" * (MAX_BYTES + 1), "f.yaml:1:1: at most 1,000,000 bytes are read"),
    ],
)  # fmt: skip
def test_ambiguous_yaml_is_refused_with_its_place(text: str | bytes, problem: str) -> None:
    assert read(text) == (None, [problem])


@given(st.binary() | st.text(alphabet="ab:-{}[]&*!<>|'\"#%@`?,. \n\t0", max_size=60).map(str.encode))
def test_any_file_gives_a_value_or_problems(source: bytes) -> None:
    node, problems = read(source)
    assert (node is None) == bool(problems)


#: Any texts, among them texts that some YAML readers read as other values.
TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        *("no", "1e3", "0o7", "2026-01-01", "~", "", " x", "a\nb", "a: b", "# c", "5", "true", "1:30", "+1", ".5"),
        *("a\n\n", "\x85a", "a\x00", "a\r\nb"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-(10**14), 10**14) | TEXTS
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)


@given(VALUES)
def test_written_values_read_back_unchanged_with_both_readers(value: Any) -> None:
    document = {"a": value}
    text = write_yaml(document)
    assert yaml.safe_load(text) == document
    assert plain(text) == document
