"""Folders to which operators and commands write: on the worker, or in an object storage that Airflow can reach."""

from __future__ import annotations

from typing import Any

from airflow_provider_payments.aep.errors import InvalidInputError
from airflow_provider_payments.aep.inputs import as_text

__all__ = ["storage_folder"]


def storage_folder(argument: str, path: object) -> Any:
    """
    Return a folder of any store that Airflow supports, as an ``ObjectStoragePath``.

    :param argument: the argument's name, for errors.
    :param path: a path, or a URL of an object storage.
    :raises InvalidInputError: if the path is invalid, or its store cannot be opened.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    text = as_text(argument, path)
    try:
        folder = ObjectStoragePath(text)
        _ = folder.fs
    except Exception as error:  # each store raises exceptions of its own
        allowed = f"a path, or a URL of an object storage ({type(error).__name__}: {error})"
        raise InvalidInputError(argument, text, allowed) from error
    return folder
