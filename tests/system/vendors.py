"""The vendors' Airflow connections that the definitions of the example DAGs name."""

from __future__ import annotations

import json
from collections.abc import Mapping

CONNECTIONS: Mapping[str, str] = {
    "AIRFLOW_CONN_SQUARE_DEFAULT": json.dumps(
        {
            "conn_type": "generic",
            "host": "connect.squareup.com",
            "login": "client",
            "password": "secret-of-the-shop",
            "extra": {"access_token": "token-of-the-shop", "refresh_token": "refresh-of-the-shop"},
        }
    ),
    "AIRFLOW_CONN_STRIPE_DEFAULT": json.dumps({"conn_type": "generic", "password": "key-of-the-shop"}),
}
