"""
``payments-demo``, the first command of the README: the example DAGs in a real Airflow against the emulator.

Nothing outside a temporary folder is touched: Airflow's own settings are removed from the environment, and every
process that is started belongs to a session of its own, which is ended as a whole.
"""

from __future__ import annotations

from airflow_provider_payments.demo.command import main

__all__ = ["main"]
