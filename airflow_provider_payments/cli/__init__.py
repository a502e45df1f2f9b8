"""The command line: ``payments``, and ``airflow aep`` where Airflow takes commands from providers."""
