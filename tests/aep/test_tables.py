"""Tables as aligned text and as Markdown."""

from airflow_provider_payments.aep.tables import aligned, markdown


def test_columns_are_aligned_after_wide_characters() -> None:
    rows = [{"name": "東京", "state": "enabled"}, {"name": "Paris", "state": "draft"}]
    assert list(aligned(rows, ["name", "state"])) == ["name   state", "東京   enabled", "Paris  draft"]


def test_line_breaks_and_markup_in_cells_are_escaped() -> None:
    assert list(markdown([["a|b\nc", "<b>"]], ["x", "y"]))[-1] == "| a\\|b c | &lt;b> |"
