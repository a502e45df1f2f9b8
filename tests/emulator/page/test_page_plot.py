"""The plot of a dataflow's runs on the emulator's page, and the page in a real browser."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.client import Client
from tests.emulator.page.page_reader import Node, read
from tests.emulator.page.test_page import HOSTILE, RUN_SECONDS, check_dataflow_page, page, ran_twice

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def shown_plot(client: Client, body: dict[str, Any], seconds: float) -> Node:
    """Create a dataflow and let time pass; return the plot of its page, whose bars the plot of its card also has."""
    flow = client.flow(body)["id"]
    client.advance(seconds)
    (whole,) = page(client, dataflow=flow).all("svg")
    (small,) = page(client).all("svg")
    for tag in ("title", "rect"):
        assert [node.text for node in small.all(tag)] == [node.text for node in whole.all(tag)]
    return whole


def test_without_a_run_there_is_no_plot(client: Client) -> None:
    flow = client.flow(client.prepared())["id"]
    for shown in (page(client), page(client, dataflow=flow)):
        assert shown.all("svg") == []
        (empty,) = (text for node in shown.all("p", "empty") if "flow run" in (text := node.text))
        assert empty.startswith("No flow run yet: every 30 minutes from ")


def test_one_run_is_one_bar_in_the_middle(client: Client) -> None:
    plot = shown_plot(client, client.prepared(), 60 + RUN_SECONDS)
    assert plot.attributes["aria-label"].startswith("1 flow run over time")
    (bar,) = plot.all("g")
    landed, failed, hatching = (node.attributes for node in bar.all("rect"))
    assert (landed["class"], failed["class"]) == ("landed", "failed")
    assert hatching["fill"] == f"url(#{plot.all('pattern')[0].attributes['id']})"
    width, height = (float(number) for number in plot.attributes["viewbox"].split()[2:])
    assert abs(float(landed["x"]) + float(landed["width"]) / 2 - width / 2) < width / 20
    # The part for failed records stands on the part for ingested records, which stands on the axis.
    assert float(failed["y"]) + float(failed["height"]) == pytest.approx(float(landed["y"]))
    (axis,) = {node.attributes["y1"] for node in plot.all("line", "floor") if node.attributes["x1"] == "52"}
    assert float(landed["y"]) + float(landed["height"]) == pytest.approx(float(axis))
    assert 0 < float(failed["y"]) < float(axis) < height
    assert [text.text for text in bar.all("text")] == ["1\u202f200", "◐"]
    assert landed["width"] == failed["width"] == hatching["width"] == "26"


def test_a_run_without_records_has_a_sign_and_no_bar(client: Client) -> None:
    client.control("POST", "outcomes", json={"outcome": "fail_copy"})
    plot = shown_plot(client, client.prepared(), 60 + RUN_SECONDS)
    assert plot.all("rect") == []
    assert [text.text for text in plot.all("g")[0].all("text")] == ["✕"]
    assert "failed, 0 in, 0 ingested, 0 failed" in plot.all("title")[0].text


def test_an_unknown_status_cannot_become_markup_in_the_plot(client: Client) -> None:
    client.control("POST", "outcomes", json={"outcome": "unknown_status", "status": HOSTILE})
    plot = shown_plot(client, client.prepared(), 60 + RUN_SECONDS)
    assert plot.all("script") == []
    assert f": {HOSTILE}, 1\u202f200 in" in plot.all("title")[0].text
    assert [(sign.text, sign.attributes["class"]) for sign in plot.all("text", "sign")] == [("?", "sign odd")]


def test_each_plot_refers_to_its_own_pattern(client: Client) -> None:
    client.control("POST", "seed", json={"sandbox": "dev", "source": "paypal", "dataflows": 3, "runs_per_dataflow": 40})
    plots = page(client, sandbox="dev").all("svg")
    identifiers = [plot.all("pattern")[0].attributes["id"] for plot in plots]
    assert len(set(identifiers)) == len(plots) == 3
    for plot, identifier in zip(plots, identifiers, strict=True):
        fills = {box.attributes["fill"] for box in plot.all("rect") if "fill" in box.attributes}
        assert fills == {f"url(#{identifier})"}


browser_wanted = pytest.mark.skipif(
    BROWSER is None, reason="none of chromium, chromium-browser and google-chrome is installed"
)


def browse(folder: Path, *arguments: str) -> bytes:
    """Run a headless browser; return its standard output."""
    assert BROWSER is not None
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    return subprocess.run([*command, *arguments], capture_output=True, check=True, timeout=60).stdout


@browser_wanted
def test_a_browser_shows_the_page_of_a_dataflow(client: Client, tmp_path: Path) -> None:
    dataflow = ran_twice(client)
    logged = client.control("GET", "requests")["requests"]
    dom = browse(tmp_path, "--dump-dom", f"{client.url}/?dataflow={dataflow['id']}").decode()
    # The browser requests only the page, which is not logged.
    assert client.control("GET", "requests")["requests"] == logged
    check_dataflow_page(client, dataflow, read(dom))


@browser_wanted
def test_a_browser_draws_the_plot(client: Client, tmp_path: Path) -> None:
    dataflow = ran_twice(client)
    file = tmp_path / "page.png"
    address = f"{client.url}/?dataflow={dataflow['id']}"
    browse(tmp_path, f"--screenshot={file}", "--window-size=640,1200", "--hide-scrollbars", address)
    width, height, variety = picture(file.read_bytes())
    assert (width, height) == (640, 1200)
    assert variety > 100


def picture(data: bytes) -> tuple[int, int, int]:
    """The width and height of a PNG, and the number of different bytes in its pixels, which is small if it is blank."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    place, packed = 8, b""
    while place < len(data):
        length, name = struct.unpack(">I4s", data[place : place + 8])
        packed += data[place + 8 : place + 8 + length] if name == b"IDAT" else b""
        place += 12 + length
    return width, height, len(set(zlib.decompress(packed)))
