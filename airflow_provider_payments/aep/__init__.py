"""Experience Platform in plain Python, without Airflow: values, requests and exactly-once provisioning."""
