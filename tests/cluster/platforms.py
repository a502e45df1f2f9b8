"""The emulators with each kind of clock, and the Airflow connections to them with their secrets."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_provider_payments.demo.processes import Processes, start_emulator
from airflow_provider_payments.pytest_plugin import ExperiencePlatform

__all__ = ["SECRETS", "TIMES", "connections", "start_platforms"]

#: The kind of clock of each emulator. Sensors and watchers have their own emulator, which counts only their requests.
TIMES = {"fast": "fast", "real": "real", "manual": "manual", "waits": "manual"}
#: Secrets that have different forms in a URL, in a form body and in base64.
SECRETS = {
    "the client secret": "cluster client+of/this~trial==",
    "Square's secret": "square secret+of/this~trial==",
    "Square's access token": "square access+of/this~trial==",
    "Stripe's key": "stripe key+of/this~trial==",
}


def start_platforms(processes: Processes, home: Path) -> dict[str, ExperiencePlatform]:
    """Start an emulator for each of :data:`TIMES`; return them by their names."""
    platforms = {}
    for name, time in TIMES.items():
        folder = home / name
        folder.mkdir()
        options = ("--time", time, "--client-secret", SECRETS["the client secret"])
        url = start_emulator(processes, folder, os.environ, *options)
        platforms[name] = ExperiencePlatform(url, conn_id=f"aep_{name}")
    return platforms


def connections(platforms: Mapping[str, ExperiencePlatform]) -> dict[str, str]:
    """Return the connections to the emulators and the vendors by their ids."""
    secret = {"password": SECRETS["the client secret"]}
    own = {platform.conn_id: json.loads(platform.connection()) | secret for platform in platforms.values()}
    own["aep_default"] = own[platforms["fast"].conn_id]
    vendors: dict[str, dict[str, Any]] = {
        "square_default": {
            "conn_type": "generic",
            "host": "connect.squareup.com",
            "login": "shop",
            "password": SECRETS["Square's secret"],
            "extra": {"access_token": SECRETS["Square's access token"], "refresh_token": SECRETS["Square's secret"]},
        },
        "stripe_default": {"conn_type": "generic", "password": SECRETS["Stripe's key"]},
    }
    return {conn_id: json.dumps(connection) for conn_id, connection in (own | vendors).items()}
