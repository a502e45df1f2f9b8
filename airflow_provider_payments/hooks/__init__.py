"""The hook, which creates a client of Experience Platform from an Airflow connection."""
