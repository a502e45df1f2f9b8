"""Datasets of Experience Platform as assets of Airflow."""
