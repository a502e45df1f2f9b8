"""The command line: ``payments``, and from Airflow 3.2 on also ``airflow aep``."""
