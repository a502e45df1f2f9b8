"""Rows as columns of text and as markdown."""

from airflow_provider_payments.aep.tables import aligned, markdown


def test_columns_begin_below_each_other_also_behind_wide_characters() -> None:
    rows = [{"name": "東京", "state": "enabled"}, {"name": "Paris", "state": "draft"}]
    assert list(aligned(rows, ["name", "state"])) == ["name   state", "東京   enabled", "Paris  draft"]


def test_a_cell_stays_on_its_line_and_in_its_column() -> None:
    assert list(markdown([["a|b\nc", "<b>"]], ["x", "y"]))[-1] == "| a\\|b c | &lt;b> |"
