"""Payment data into Adobe Experience Platform, from Apache Airflow."""

__version__ = "0.2.0"
