"""The README's first command when it is interrupted (CI runs it to its end), and with three vendors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["Ctrl-C", "SIGTERM", "closed"])
@pytest.mark.parametrize("arguments", [[], ["--ui"]], ids=["run", "ui"])
def test_after_any_signal_no_process_and_no_file_is_left(
    arguments: list[str], end: signal.Signals, tmp_path: Path
) -> None:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    demo = subprocess.Popen(
        [sys.executable, "-u", "-m", "airflow_provider_payments.demo", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"HOME": str(home), "TMPDIR": str(temporary)},
    )
    assert demo.stdout
    assert demo.stdout.readline().startswith("Emulator of Experience Platform: http://127.0.0.1:")
    started = psutil.Process(demo.pid).children(recursive=True)
    assert started
    demo.send_signal(end)
    assert demo.wait(timeout=60) == 130
    assert "nothing is left behind" in demo.stdout.read()
    assert not [process for process in started if process.is_running()]
    assert list(temporary.iterdir()) == []
    assert list(home.iterdir()) == []


def test_all_shows_rows_of_three_vendors_and_a_plan_without_changes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "airflow_provider_payments.demo", "--all"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for rows in ("1995 rows in the dataset 'Square payments'", "1498 rows in", "1195 rows in"):
        assert f"The first of {rows}" in done.stdout
    assert "Nothing to do: 3 definitions are as written." in done.stdout
    assert list(tmp_path.iterdir()) == []
