"""Print the processor time of a test run: of all processes, and with ``--processor-time N`` of the N dearest files."""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Iterator

import pytest

#: Seconds of each test file, in this process and its children. A child counts when it is waited for: the children of a
#: whole session, such as the Airflow of tests/system, count with the last file of the session.
_by_file: Counter[str] = Counter()
#: Seconds of each process of pytest-xdist that has ended, and the files that it ran.
_workers: list[tuple[float, dict[str, float]]] = []


def processor_seconds() -> float:
    """Return the user and system time of this process and of the children that it has waited for."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--processor-time", type=int, default=0, metavar="N", help="show the N files that took the most processor time"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    before = processor_seconds()
    try:
        return (yield)
    finally:
        _by_file[item.location[0]] += processor_seconds() - before


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["processor_time"] = (processor_seconds(), dict(_by_file))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Keep the figures of a process of pytest-xdist; a process that crashed has none."""
    if spent := getattr(node, "workeroutput", {}).get("processor_time"):
        _workers.append(spent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    own = resource.getrusage(resource.RUSAGE_SELF)
    # The processes of pytest-xdist may have been waited for or not: only the figures that they report count.
    total = own.ru_utime + own.ru_stime + sum(seconds for seconds, _ in _workers) if _workers else processor_seconds()
    terminalreporter.write_line(f"processor time: {total:.0f} s (user and system, all processes)")
    for _, by_file in _workers:
        _by_file.update(by_file)
    for file, seconds in _by_file.most_common(config.getoption("--processor-time")):
        terminalreporter.write_line(f"{seconds:7.1f} s  {file}")
