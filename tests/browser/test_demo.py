"""``payments-demo --ui``: the page in a browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.browser.chromium import Browser
from tests.browser.steps import ROW, SETTLED


def test_the_demo_page_shows_succeeded_partial_and_failed_runs(chromium: Browser, tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-u", "-m", "airflow_provider_payments.demo", "--ui"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
    )
    assert demo.stdout
    try:
        output = ""
        while not (found := re.search(r"^Payments page: (\S+)$", output, re.MULTILINE)):
            line = demo.stdout.readline()
            assert line, output
            output += line
        chromium.open(found[1])
        chromium.enter_frame()
        chromium.wait_for(SETTLED)
        assert "MAPPER-3700-400 (255)" in chromium.run(ROW, "Square UK payments")
        statuses = chromium.run("return [...document.querySelectorAll('.bar')].map((bar) => bar.className)")
        assert {"bar succeeded", "bar partial"} <= set(statuses)
        assert "late" in chromium.run(ROW, "Square UK payments")
    finally:
        chromium.leave_frame()
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=60)
