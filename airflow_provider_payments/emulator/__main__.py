"""``python -m airflow_provider_payments.emulator``."""

from airflow_provider_payments.emulator.command import main

if __name__ == "__main__":
    raise SystemExit(main())
