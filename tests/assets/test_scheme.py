"""The URI scheme ``aep``, as Airflow uses it for the assets of a DAG."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from airflow.providers.common.compat.sdk import Asset
from airflow.providers_manager import ProvidersManager

from airflow_provider_payments.assets.experience_platform import (
    convert_asset_to_openlineage,
    create_asset,
    dataset_uri,
    sanitize_uri,
)
from airflow_provider_payments.versions import has_named_assets

URI = "aep://ABC123/dev/60f1a2b3c4d5e6f708192a3b"


def test_a_dataset_has_the_same_uri_with_and_without_the_organisations_suffix() -> None:
    for org_id in ("ABC123@AdobeOrg", "ABC123"):
        assert dataset_uri(org_id, "dev", "60f1a2b3c4d5e6f708192a3b") == URI


@pytest.mark.parametrize(
    "uri",
    [
        "aep://ABC123@AdobeOrg/dev/60f1",
        "aep://AdobeOrg/dev/60f1",
        "aep:///dev/60f1",
        "aep://ABC123/dev",
        "aep://ABC123/dev/",
        "aep://ABC123/dev/60f1/rows",
        "aep://ABC123/dev/60f1?limit=1",
        "aep://ABC123/d v/60f1",
        "aep://ABC123/dev/..",
    ],
)
def test_a_malformed_uri_is_refused_with_the_valid_form(uri: str) -> None:
    with pytest.raises(ValueError, match=r"write aep://<organisation without @AdobeOrg>/<sandbox>/<dataset id>"):
        sanitize_uri(urlsplit(uri))


@pytest.mark.skipif(not has_named_assets(), reason="Airflow 2.11 only warns")
def test_airflow_refuses_an_asset_with_a_malformed_uri() -> None:
    with pytest.raises(ValueError, match="is not a dataset of Experience Platform"):
        Asset("aep://ABC123@AdobeOrg/dev/60f1")


def test_airflow_accepts_a_valid_uri_and_finds_the_three_functions() -> None:
    assert Asset(URI).uri == URI
    manager = ProvidersManager()
    # In Airflow 2.11 an asset is called a dataset.
    kind = "asset" if hasattr(manager, "asset_uri_handlers") else "dataset"
    registered = [
        getattr(manager, f"{kind}_{part}").get("aep")
        for part in ("uri_handlers", "factories", "to_openlineage_converters")
    ]
    assert registered == [sanitize_uri, create_asset, convert_asset_to_openlineage]


def test_an_asset_has_a_name_if_airflow_supports_names() -> None:
    asset = create_asset(org_id="ABC123@AdobeOrg", sandbox="dev", dataset_id="60f1a2b3c4d5e6f708192a3b", name="Sales")
    assert asset.uri == URI
    assert getattr(asset, "name", "Sales") == "Sales"


def test_the_openlineage_namespace_is_the_sandbox() -> None:
    pytest.importorskip("openlineage", reason="without it Airflow asks no converter")
    dataset = convert_asset_to_openlineage(Asset(URI))
    assert (dataset.namespace, dataset.name) == ("aep://ABC123/dev", "60f1a2b3c4d5e6f708192a3b")
