"""Airflow's connection to the emulator is found in the environment: no database is asked."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Callable

import pytest

from airflow_provider_payments.cli.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; return its status, and what it printed to the output and to the errors."""

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
