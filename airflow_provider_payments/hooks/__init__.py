"""Hooks: an Airflow connection becomes a client of Experience Platform."""
