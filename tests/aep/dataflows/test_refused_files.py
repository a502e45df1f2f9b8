"""Refused files: each problem has file, line, column, the allowed values, and the most similar known name."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_payments.aep.dataflows.loading import load_project
from tests.aep.dataflows.files import TEN_LINES, problems_of, write_files

SQUARE = """\
version: 1
name: Square payments
source:
  vendor: square
  connection: Square
  table: Square.Payments
  columns: [Id, Created_At]
schema:
  fields: {payment.at: date-time}
mappings:
  _id: Id
  payment.at: Created_At
delta_column: Created_At
schedule: every hour
"""
STRIPE = """\
version: 1
name: Stripe charges
source: {vendor: stripe, connection: Stripe, resource: charges}
mappings: {_id: id}
schedule: every hour
"""


def refused(tmp_path: Path, text: str, was: str, now: str) -> list[str]:
    """Return the problems of a file in which a text is replaced."""
    assert text.count(was) == 1
    return problems_of(write_files(tmp_path, f=text.replace(was, now)))


@pytest.mark.parametrize(
    ("was", "now", "problem"),
    [
        ("vendor: square", "vendor: sqare", "4:11: source.vendor: one of paypal, square, stripe; did you mean 'sq"),
        ("connection:", "conection:", "5:3: source.conection: there is no such member; did you mean 'connection'?"),
        ("name: Square payments\n", "", "1:1: name: it must be given"),
        ("name: Square payments", "name: Square, EU", "2:7: name: 1 to 100 characters, no blanks at the ends, no con"),
        ("name: Square payments", f"name: {'x' * 91}", "2:7: name: at most 90 characters, because its"),
        ("name: Square payments", "name: 2026", "2:7: name: it must be text: write it in quotes"),
        ("version: 1", "version: 2", "1:10: version: this release reads version 1"),
        ("version: 1", "enabled: true", "1:1: version: this release reads version 1"),
        ("columns: [Id, Created_At]", "columns: [Id]", "12:15: mappings.payment.at: 'Created_At' is not among"),
        ("_id: Id", "_id: Idd", "11:8: mappings._id: 'Idd' is not among source.columns; did you mean 'Id'?"),
        ("delta_column: Created_At", "delta_column: Created", "13:15: delta_column: 'Created' is not among source.col"),
        ("  payment.at: C", "  payment.att: C", "12:16: mappings.payment.att: 'payment.att' is not among schema.field"),
        ("{payment.at: date-time}", "{payment.at: datetime}", "9:24: schema.fields.payment.at: one of string, integer"),
        ("_id: Id", "_id: {column: Id}", "11:8: mappings._id: a column's name, or an object with `expression` or `val"),
        ("_id: Id", "_id: {value: 5}", "11:16: mappings._id.value: it must be given, as text"),
        ("_id: Id", "xdm:_id: Id\n  _id: Id", "12:8: mappings._id: no destination may occur twice"),
        ("every hour", "every 5 minutes", "14:11: schedule: 15 minutes or more"),
        ("every hour", "hourly", "14:11: schedule: `once`, or an interval such as `every 30 minutes`, `every day` or"),
        ("every hour", "{every: 1 hour, start: 2026-12-24 06:00}", "14:34: schedule.start: the time must carry a time"),
        ("every hour", "once", "13:15: delta_column: leave it out if the dataflow run"),
        ("delta_column: Created_At\n", "", "1:1: delta_column: it must be given for a table that is read more than on"),
        ("every hour", "every hour\ntolerance: 0.05", "15:12: tolerance: a percentage, at most 100%"),
        ("every hour", "every hour\ntolerance: 5%\nerror_diagnostics: false", "16:20: error_diagnostics: leave it ou"),
        ("every hour", "every hour\nenabled: yes", "15:10: enabled: it must be true or false"),
        ("every hour", "every hour\nprevious_names: [Square payments]", "15:17: previous_names: the current name can"),
        ("table: Square.Payments", "resource: payments", "6:13: source.resource: Square has tables: write `table`"),
        ("table: Square.Payments", "table: A\n  path: B\n  format: tabular", "4:3: source: exactly one of `table`, `r"),
        ("connection: Square", "connection: {airflow_conn_id: square}", "5:15: source.connection: either `name` or `i"),
        ("connection: Square", "connection: {name: Square, clientSecret: hush}", "5:30: source.connection.clientSecre"),
        ("Square.Payments", '"{{ params.table }}"', "6:10: source.table: Jinja is not rendered in definitions; use ${"),
        ("Square.Payments", "${var.table}", "6:10: source.table: there is no variable 'table' (known: none)"),
        ("fields:", "class: profil\n  fields:", "9:10: schema.class: one of profile, event, product, or a class's $id"),
        ("fields:", "title: T\n  field_group: T\n  fields:", "10:16: schema.field_group: a title that differs from th"),
        ("_id: Id", "_id: Id\n  ${var.x}: Id", "12:3: mappings.${var.x}: variables are allowed in values, not in mem"),
        ("every hour", "every hour\nextra: {}", "15:1: extra: there is no such member"),
    ],
)  # fmt: skip
def test_a_wrong_member_is_reported_with_its_place(tmp_path: Path, was: str, now: str, problem: str) -> None:
    assert any(found.startswith(f"f.yaml:{problem}") for found in refused(tmp_path, SQUARE, was, now))


@pytest.mark.parametrize(
    ("was", "now", "problem"),
    [
        ("resource:", "table:", "3:53: source.table: Stripe has REST resources: write `resource`"),
        ("every hour", "every hour\ndelta_column: created", "6:15: delta_column: leave it out with a `resource`"),
        (
            "resource: charges",
            "resource: charges, columns: [id]",
            "3:74: source.columns: columns can be chosen only for a `table`",
        ),
        ("resource: charges", "path: charges", "3:9: source.format: `path` and `format` must be given together"),
    ],
)
def test_members_that_contradict_a_rest_resource_are_refused(tmp_path: Path, was: str, now: str, problem: str) -> None:
    assert f"f.yaml:{problem}" in refused(tmp_path, STRIPE, was, now)


def test_all_problems_of_all_files_are_reported_in_order(tmp_path: Path) -> None:
    write_files(tmp_path, b=STRIPE.replace("stripe,", "strype,").replace("every hour", "x"), a="a: 1\na: 2")
    assert [problem.partition(": ")[0] for problem in problems_of(tmp_path)] == [
        "a.yaml:2:1",
        "b.yaml:3:18",
        "b.yaml:5:11",
    ]


def test_two_definitions_with_one_name_are_refused_previous_names_included(tmp_path: Path) -> None:
    other = TEN_LINES.replace("PayPal.Catalog_Products", "PayPal.Orders")
    write_files(tmp_path, a=TEN_LINES, b=other, c=SQUARE + "previous_names: [PayPal catalog products]\n")
    assert problems_of(tmp_path) == [
        f"{place}: 'PayPal catalog products' is the name of another dataflow, in {tmp_path}/a.yaml:2"
        .replace(f"{tmp_path}/", "")
        for place in ("b.yaml:2:7: name", "c.yaml:15:17: previous_names")
    ]  # fmt: skip


def test_two_readers_of_one_table_into_one_dataset_are_refused_unless_allowed(tmp_path: Path) -> None:
    second = SQUARE.replace("Square payments", "Square again") + "dataset: Square payments\n"
    folder = write_files(tmp_path, a=SQUARE, b=second)
    (problem,) = problems_of(folder)
    assert problem.startswith(
        "b.yaml:4:3: source: 'Square payments' (a.yaml:2) reads the same data into the same dataset: each row"
    )
    assert problem.endswith("would be ingested twice; if both are intended, write `allow_second_reader: true`")
    write_files(folder, b=second + "allow_second_reader: true\n")
    assert len(load_project(folder).definitions) == 2


@pytest.mark.parametrize("shared", ["schema: {title: T, description: A}", "dataset: {name: D, description: A}"])
def test_two_different_descriptions_of_a_shared_object_are_refused(tmp_path: Path, shared: str) -> None:
    kind = shared.partition(":")[0]
    write_files(tmp_path, a=f"{STRIPE}{shared}\n", b=STRIPE.replace("charges", "refunds") + shared.replace("A}", "B}"))
    (problem,) = problems_of(tmp_path)
    assert problem.startswith(f"b.yaml:6:{len(kind) + 3}: {kind}: a.yaml:6 describes '")
    assert problem.endswith("differently: describe it once, and refer to it by name")


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"a": "- 1"}, "a.yaml:1:1: it must be an object: a definition, or several in `dataflows`"),
        ({"a": "version: 1\ndataflows: {}"}, "a.yaml:2:12: dataflows: it must be a list of definitions"),
        (
            {"a": "version: 1\nnames: x\ndataflows: []"},
            "a.yaml:2:1: names: there is no such member besides `dataflows`",
        ),
        ({"a": "version: 1\ndataflows: [x]"}, "a.yaml:2:13: dataflows.0: it must be an object with members"),
        ({".a": TEN_LINES}, "there is no definition (*.yaml, *.yml)"),
    ],
)
def test_a_file_without_a_definition_is_refused(tmp_path: Path, files: dict[str, str], problem: str) -> None:
    assert any(found.endswith(problem) for found in problems_of(write_files(tmp_path, **files)))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "a.yaml")[0].endswith("a.yaml:1:1: it cannot be read: No such file or directory")
