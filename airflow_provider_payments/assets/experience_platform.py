"""
The URI scheme ``aep``: a dataset of Experience Platform as an asset of Airflow, before 3.0 a dataset of Airflow.

``aep://<organisation>/<sandbox>/<dataset id>``; the organisation stands without ``@AdobeOrg``, which a URI would take
for a host behind user info, and Airflow 2.11 and 3.0 would cut the organisation off.
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
    :raises ValueError: if one of them is empty, or has other characters than letters, digits, ``_`` and ``-``.
    """
    return sanitize_uri(urlsplit(f"{SCHEME}://{org_id.removesuffix(_ORG_SUFFIX)}/{sandbox}/{dataset_id}")).geturl()


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """
    Return a URI of the scheme as it is, for Airflow's check of an asset's URI.

    .. seealso:: ``docs/assets-and-lineage.md#a-dataset-as-an-asset`` in the manual.

    :param uri: the parts of the URI.
    :raises ValueError: if it is none of a dataset. Airflow 2.11 only warns then.
    """
    organisation, path = uri.netloc, uri.path.split("/")
    # What Airflow 2.11 and 3.0 leave of "<organisation>@AdobeOrg".
    is_cut = organisation == _ORG_SUFFIX.removeprefix("@")
    has_names = len(path) == 3 and all(map(_NAME.fullmatch, (organisation, *path[1:])))
    if not has_names or is_cut or uri.query or uri.fragment:
        raise ValueError(f"{uri.geturl()!r} is no dataset of Experience Platform: write {FORM}")
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
    :param name: the asset's name, a label in the web page. A DAG that is scheduled by the asset must give the same.
        Airflow before 3.0 has none, and it is left out. Defaults to ``None``: the URI.
    :param extra: the asset's own extra, which is no event's. Defaults to ``None``.
    :raises ValueError: if the dataset's URI would be none of the scheme.
    """
    from airflow.providers.common.compat.sdk import Asset

    given: dict[str, Any] = {"uri": dataset_uri(org_id, sandbox, dataset_id), "extra": extra}
    if name is not None and has_named_assets():
        given["name"] = name
    return Asset(**given)


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any = None) -> Dataset:
    """
    Return the dataset of OpenLineage for an asset: the sandbox is its namespace, the dataset's id its name.

    .. seealso:: ``docs/assets-and-lineage.md#openlineage`` in the manual.

    :param asset: an asset of the scheme.
    :param lineage_context: what has used the asset; it makes no difference.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    namespace, _, name = asset.uri.rpartition("/")
    return Dataset(namespace=namespace, name=name)
