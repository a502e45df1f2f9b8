"""Payment data into Adobe Experience Platform, from Apache Airflow."""

__version__ = "0.1.0"
