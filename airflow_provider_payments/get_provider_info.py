"""
The provider info, which Airflow reads at start-up.

This module must not import Airflow: such an import breaks every command of Airflow.
"""

from __future__ import annotations

from typing import Any

__all__ = ["get_provider_info"]

INTEGRATION = "Adobe Experience Platform"
PACKAGE = "airflow_provider_payments"
TEXT = {"type": ["string", "null"]}
SECONDS = {"type": ["number", "null"], "minimum": 0}

CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    "org_id": {
        "label": "Organisation id",
        "description": "Ends in @AdobeOrg; required",
        "schema": {"type": ["string", "null"], "pattern": "^.+@AdobeOrg$"},
    },
    "sandbox": {
        "label": "Sandbox",
        "description": "Name of the sandbox in lower case; required, without a default",
        "schema": TEXT,
    },
    "scopes": {
        "label": "Scopes",
        "description": "Comma-separated, as shown for the credential in the developer console",
        "schema": TEXT,
    },
    "ims_url": {"label": "IMS URL", "description": "Default https://ims-na1.adobelogin.com", "schema": TEXT},
    "access_token": {
        "label": "Access token",
        "description": "Used instead of a client secret; valid for about a day, never renewed",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "connect_timeout": {"label": "Connect timeout (s)", "schema": SECONDS},
    "read_timeout": {"label": "Read timeout (s)", "schema": SECONDS},
}

ASSET_URIS: list[dict[str, Any]] = [
    {
        "schemes": ["aep"],
        "handler": f"{PACKAGE}.assets.experience_platform.sanitize_uri",
        "factory": f"{PACKAGE}.assets.experience_platform.create_asset",
        "to_openlineage_converter": f"{PACKAGE}.assets.experience_platform.convert_asset_to_openlineage",
    }
]

FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["port", "schema"],
    "relabeling": {"login": "Client id", "password": "Client secret", "host": "Platform URL"},
    "placeholders": {"host": "https://platform.adobe.io"},
}


def _modules(*names: str) -> list[dict[str, Any]]:
    return [{"integration-name": INTEGRATION, "python-modules": [f"{PACKAGE}.{name}" for name in names]}]


def get_provider_info() -> dict[str, Any]:
    """Return the provider info as Airflow's ``provider_info.schema.json`` describes it."""
    return {
        "package-name": "airflow-provider-payments",
        "name": "Payments to Adobe Experience Platform",
        "description": "Ingest PayPal, Square and Stripe data into Adobe Experience Platform, exactly once.",
        "integrations": [
            {
                "integration-name": INTEGRATION,
                "external-doc-url": "https://developer.adobe.com/experience-platform-apis/",
                "tags": ["service"],
            }
        ],
        "connection-types": [
            {
                "connection-type": "aep",
                "hook-class-name": f"{PACKAGE}.hooks.experience_platform.ExperiencePlatformHook",
                "hook-name": INTEGRATION,
                "ui-field-behaviour": FIELD_BEHAVIOUR,
                "conn-fields": CONNECTION_FIELDS,
            }
        ],
        # Airflow 3.2 and newer; the console script `payments` has the same commands.
        "cli": [f"{PACKAGE}.cli.definition.get_commands"],
        "hooks": _modules("hooks.experience_platform"),
        "operators": _modules(
            "operators.connections",
            "operators.schemas",
            "operators.datasets",
            "operators.mappings",
            "operators.dataflows",
            "operators.definitions",
            "operators.flow_runs",
            "operators.diagnostics",
            "operators.health",
            "operators.lifecycle",
            "operators.profiles",
            "operators.teardown",
            "operators.verification",
        ),
        "sensors": _modules("sensors.flow_run"),
        "triggers": _modules("triggers.flow_run", "triggers.flow_run_event"),
        "asset-uris": ASSET_URIS,
        "dataset-uris": ASSET_URIS,  # for Airflow 2.11
        "extra-links": [f"{PACKAGE}.links.ExperiencePlatformLink"],
    }
