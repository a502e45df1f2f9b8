"""Datasets of Experience Platform as Airflow's assets."""
