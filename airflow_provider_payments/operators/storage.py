"""Folders that operators and commands write to: on the worker, or in any object storage that Airflow can reach."""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_text

__all__ = ["storage_folder"]


def storage_folder(argument: str, path: object) -> Any:
    """
    Return a folder of any store.

    :param argument: what the user calls the path.
    :raises InvalidInputError: if the path is none.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    text = as_text(argument, path)
    try:
        folder = ObjectStoragePath(text)
        _ = folder.fs
    except Exception as error:  # stores raise errors of all kinds
        allowed = f"a path, or a URL of an object storage ({type(error).__name__}: {error})"
        raise InvalidInputError(argument, text, allowed) from error
    return folder
