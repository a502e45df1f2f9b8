"""The table of test results for each release: checks by name, other tests by folder."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

OK, EXPECTED, FAILED, SKIPPED = "ok", "expected", "FAILED", "skipped"
#: The order in which the outcome of a row with several tests is chosen.
WORST_FIRST = (FAILED, EXPECTED, OK, SKIPPED)
INSTALLATION = "installs, and its requirements agree"
HERE = "tests.versions."


class Report:
    """
    The test results of one release.

    :param file: the report in JUnit's form; if it does not exist, the installation of the release has failed.
    """

    def __init__(self, file: Path) -> None:
        #: The version of Python, which is the name of the test suite.
        self.python = "not reported"
        self.reasons: dict[str, str] = {}
        self._outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._outcomes[INSTALLATION][OK if file.exists() else FAILED] += 1
        if file.exists():
            suite = ElementTree.parse(file).getroot().find("testsuite")
            assert suite is not None
            self._read(suite)

    @property
    def rows(self) -> list[str]:
        """The names of the checks, in the order of their runs."""
        return list(self._outcomes)

    def outcome(self, row: str) -> str:
        """Return the worst outcome of a row's tests; ``-`` if no test ran."""
        found = self._outcomes.get(row, {})
        return next((outcome for outcome in WORST_FIRST if outcome in found), "-")

    def cell(self, row: str) -> str:
        """Return the text of a row's cell: the outcome, or the numbers of tests if there are several."""
        found = self._outcomes.get(row, Counter())
        worst = self.outcome(row)
        if sum(found.values()) < 2:
            return worst
        passed, others = found[OK], [f"{found[o]} {o}" for o in (FAILED, EXPECTED, SKIPPED) if found[o]]
        return ", ".join([f"{passed} ok", *others] if passed else others)

    def _read(self, suite: ElementTree.Element) -> None:
        self.python = suite.get("name", "")
        for case in suite.iter("testcase"):
            row, (outcome, reason) = _row(case), _outcome(case)
            self._outcomes[row][outcome] += 1
            if outcome == EXPECTED:
                self.reasons[row] = reason


def _row(case: ElementTree.Element) -> str:
    module, name = case.get("classname", ""), case.get("name", "").partition("[")[0]
    if module.startswith(HERE):
        return name.removeprefix("test_").replace("_", " ")
    folder = module.split(".")[1] if module.count(".") > 1 else "others"
    return f"tests that run Airflow: {folder}"


def _outcome(case: ElementTree.Element) -> tuple[str, str]:
    if case.find("failure") is not None or case.find("error") is not None:
        return FAILED, ""
    if (skipped := case.find("skipped")) is None:
        return OK, ""
    return (EXPECTED if skipped.get("type") == "pytest.xfail" else SKIPPED), skipped.get("message", "")


def _rows(reports: Mapping[str, Report]) -> Iterator[str]:
    yield from dict.fromkeys(row for report in reports.values() for row in report.rows)


def print_table(results: Path, versions: list[str]) -> bool:
    """
    Print the table; return whether there are no failures except the expected ones.

    :param results: the folder with the report of each release, ``<version>.xml``.
    :param versions: the versions of the releases.
    """
    reports = {version: Report(results / f"{version}.xml") for version in versions}
    table = Table("check", *(f"{version}\n{report.python}" for version, report in reports.items()))
    notes: dict[str, int] = {}
    for row in _rows(reports):
        cells = []
        for report in reports.values():
            note = report.reasons.get(row)
            cells.append(report.cell(row) + (f" [{notes.setdefault(note, len(notes) + 1)}]" if note else ""))
        table.add_row(row, *(cell.replace("[", r"\[") for cell in cells))
    console = Console(width=150)
    console.print(table)
    for reason, number in notes.items():
        console.print(f"[{number}] expected: {reason}", markup=False)
    return not any(report.outcome(row) == FAILED for report in reports.values() for row in report.rows)
