"""The web application of the page over a socket, and the imports of the plugin."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_payments import plugin
from airflow_provider_payments.plugin import PaymentsPlugin
from tests.test_package import run

FILES = sorted((Path(plugin.__file__).parent / "page").iterdir())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Return the URL of the page below a prefix, in a server that mounts it like Airflow."""
    (mounted,) = PaymentsPlugin.fastapi_apps
    app = Starlette(routes=[Mount(f"/airflow{mounted['url_prefix']}", mounted["app"])])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    (port,) = {s.getsockname()[1] for each in server.servers for s in each.sockets}
    yield f"http://127.0.0.1:{port}/airflow{mounted['url_prefix']}/"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("name", ["", *(file.name for file in FILES)])
def test_each_file_is_served_with_a_policy_for_airflows_origin(url: str, name: str) -> None:
    answer = requests.get(url + name, timeout=10)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-cache"
    kind = {".js": "text/javascript", ".css": "text/css"}.get(Path(name).suffix, "text/html")
    assert answer.headers["Content-Type"].startswith(kind)


@pytest.mark.parametrize("path", ["missing.js", "%2e%2e/app.py", "..%2fapp.py", "page"])
def test_other_paths_are_not_found(url: str, path: str) -> None:
    assert requests.get(url + path, timeout=10).status_code == 404


def test_an_unchanged_file_is_not_sent_again(url: str) -> None:
    first = requests.get(f"{url}page.js", timeout=10)
    again = requests.get(f"{url}page.js", headers={"If-None-Match": first.headers["ETag"]}, timeout=10)
    assert (again.status_code, again.content) == (304, b"")


def test_the_page_refers_to_its_own_files_only_and_writes_no_markup() -> None:
    for file in FILES:
        text = file.read_text()
        assert re.findall(r"(?:src|href)=\"(?!\w+\.(?:js|css)\")", text) == []
        assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|url\(", text) == []


def test_the_menu_entry_is_relative_to_any_prefix() -> None:
    (view,) = PaymentsPlugin.external_views
    (mounted,) = PaymentsPlugin.fastapi_apps
    assert view["href"] == f"{mounted['url_prefix']}/".removeprefix("/")


def test_loading_the_plugin_imports_one_module_and_no_web_framework(tmp_path: Path) -> None:
    code = """
import json, sys
import airflow_provider_payments
from airflow import plugins_manager
before = set(sys.modules)
import airflow_provider_payments.plugin
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    loaded = json.loads(run(code, AIRFLOW_HOME=str(tmp_path)).splitlines()[-1])
    assert loaded == ["airflow_provider_payments.plugin"]
