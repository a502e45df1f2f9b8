"""
``payments-demo``, the first command of the README, which runs the example DAGs in a real Airflow against the emulator.

The demo changes nothing outside of a temporary folder: it removes Airflow's settings from the environment, and starts
each process in a new session, whose processes it ends together.
"""

from __future__ import annotations

from airflow_provider_payments.demo.command import main

__all__ = ["main"]
