"""The table of ``tests/versions``, with the results of pytest for each release of Airflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.versions.table import print_table

REPORT = """<testsuites><testsuite name="Python 3.12">
<testcase classname="tests.versions.test_form" name="test_the_form_has_its_labels">{form}</testcase>
<testcase classname="tests.operators.test_outputs" name="test_one"/>
<testcase classname="tests.operators.test_outputs" name="test_two[a]"/>
</testsuite></testsuites>"""
EXPECTED = '<skipped type="pytest.xfail" message="no form without FAB"/>'
PASSED_AGAINST_EXPECTATION = '<failure message="[XPASS(strict)] no form without FAB"/>'


def report(folder: Path, version: str, form: str) -> None:
    (folder / f"{version}.xml").write_text(REPORT.format(form=form))


def test_an_expected_failure_is_shown_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report(tmp_path, "3.0.6", EXPECTED)
    report(tmp_path, "3.3.2", "")
    assert print_table(tmp_path, ["3.0.6", "3.3.2"])
    lines = [
        " ".join(line.replace("│", " ").replace("┃", " ").split()) for line in capsys.readouterr().out.splitlines()
    ]
    assert any(line.startswith("check Python 3.12 Python 3.12") for line in lines)
    assert "the form has its labels expected [1] ok" in lines
    assert "tests that run Airflow: operators 2 ok 2 ok" in lines
    assert "[1] expected: no form without FAB" in lines


def test_an_expected_failure_that_passes_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report(tmp_path, "3.0.6", PASSED_AGAINST_EXPECTATION)
    assert not print_table(tmp_path, ["3.0.6"])
    assert "FAILED" in capsys.readouterr().out


def test_a_release_without_a_report_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report(tmp_path, "3.3.2", "")
    assert not print_table(tmp_path, ["3.0.6", "3.3.2"])
    assert "not reported" in capsys.readouterr().out
