"""The README's first command, interrupted; CI runs it to its end."""

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
def test_however_it_is_ended_no_process_and_no_file_is_left(
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
