"""Experience Platform in plain Python: values, requests and exactly-once provisioning. Nothing here knows Airflow."""
