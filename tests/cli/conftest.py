"""Fixtures for tests of commands. The Airflow connection to the emulator is in the environment, without a database."""

from __future__ import annotations

import importlib
import os
import pty
import sys
from collections.abc import Callable

import pytest

from airflow_provider_payments.cli.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session", autouse=True)
def airflow_configuration() -> None:
    """Load Airflow before any output is compared: in unit test mode, loading its configuration logs a line."""
    importlib.import_module("airflow.providers.common.compat.sdk")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command and returns its exit status, standard output and standard error."""

    def run(*argv: object) -> tuple[int, str, str]:
        try:
            status = main([str(word) for word in argv])
        except SystemExit as end:
            status = int(end.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture
def at_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command whose question is answered at a terminal; the answer comes before the command's words."""

    def at_terminal(answer: str, *argv: object) -> tuple[int, str, str]:
        leader, follower = pty.openpty()
        os.write(leader, f"{answer}\n".encode())
        with os.fdopen(leader), os.fdopen(follower) as terminal, monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", terminal)
            return run(*argv)

    return at_terminal
