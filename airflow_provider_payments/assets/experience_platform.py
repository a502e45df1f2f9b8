"""
The URI scheme ``aep``: a dataset of Experience Platform as an asset of Airflow (before 3.0: a dataset of Airflow).

``aep://<organisation>/<sandbox>/<dataset id>``; the organisation is written without ``@AdobeOrg``. In a URI the text
before ``@`` is user info, which Airflow 2.11 and 3.0 would remove.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_payments.versions import has_named_assets

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.common.compat.sdk import Asset

__all__ = ["convert_asset_to_openlineage", "create_asset", "dataset_uri", "sanitize_uri"]

SCHEME = "aep"
FORM = f"{SCHEME}://<organisation without @AdobeOrg>/<sandbox>/<dataset id>"
_ORG_SUFFIX = "@AdobeOrg"
_NAME = re.compile(r"[A-Za-z0-9_-]+")


def dataset_uri(org_id: str, sandbox: str, dataset_id: str) -> str:
    """
    Return the URI of a dataset.

    .. seealso:: ``docs/assets-and-lineage.md#a-dataset-as-an-asset`` in the manual.

    :param org_id: id of the organisation, with or without ``@AdobeOrg``.
    :param sandbox: name of the sandbox.
    :param dataset_id: id of the dataset.
    :raises ValueError: if one of them is empty, or contains characters other than letters, digits, ``_`` and ``-``.
    """
    return sanitize_uri(urlsplit(f"{SCHEME}://{org_id.removesuffix(_ORG_SUFFIX)}/{sandbox}/{dataset_id}")).geturl()


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """
    Check the URI of a dataset and return it unchanged; Airflow calls this function for each asset of the scheme.

    .. seealso:: ``docs/assets-and-lineage.md#a-dataset-as-an-asset`` in the manual.

    :param uri: the parts of the URI.
    :raises ValueError: if it is not the URI of a dataset; Airflow 2.11 turns this error into a warning.
    """
    organisation, path = uri.netloc, uri.path.split("/")
    # Airflow 2.11 and 3.0 reduce "<organisation>@AdobeOrg" to "AdobeOrg".
    is_cut = organisation == _ORG_SUFFIX.removeprefix("@")
    has_names = len(path) == 3 and all(map(_NAME.fullmatch, (organisation, *path[1:])))
    if not has_names or is_cut or uri.query or uri.fragment:
        raise ValueError(f"{uri.geturl()!r} is not a dataset of Experience Platform: write {FORM}")
    return uri


def create_asset(
    *, org_id: str, sandbox: str, dataset_id: str, name: str | None = None, extra: dict[str, Any] | None = None
) -> Asset:
    """
    Return the asset of a dataset.

    .. seealso:: ``docs/assets-and-lineage.md#a-dataset-as-an-asset`` in the manual.

    :param org_id: id of the organisation, with or without ``@AdobeOrg``.
    :param sandbox: name of the sandbox.
    :param dataset_id: id of the dataset.
    :param name: the asset's name, its label in Airflow's UI. A DAG that is scheduled by the asset must use the same
        name. Ignored by Airflow before 3.0, where assets have no names. Defaults to ``None``: the URI.
    :param extra: the extra of the asset itself, not of its events. Defaults to ``None``.
    :raises ValueError: if an argument does not fit into a URI of the scheme.
    """
    from airflow.providers.common.compat.sdk import Asset

    given: dict[str, Any] = {"uri": dataset_uri(org_id, sandbox, dataset_id), "extra": extra}
    if name is not None and has_named_assets():
        given["name"] = name
    return Asset(**given)


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any = None) -> Dataset:
    """
    Return the OpenLineage dataset of an asset: its namespace is the URI up to the sandbox, its name the dataset's id.

    .. seealso:: ``docs/assets-and-lineage.md#openlineage`` in the manual.

    :param asset: an asset of the scheme.
    :param lineage_context: not used; Airflow passes the operator or hook that used the asset.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    namespace, _, name = asset.uri.rpartition("/")
    return Dataset(namespace=namespace, name=name)
