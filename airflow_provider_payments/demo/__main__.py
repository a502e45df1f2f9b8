"""``python -m airflow_provider_payments.demo``."""

from __future__ import annotations

import sys

from airflow_provider_payments.demo.command import main

if __name__ == "__main__":
    sys.exit(main())
