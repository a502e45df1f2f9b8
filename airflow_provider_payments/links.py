"""The button on a task that leads to its object in Experience Platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_payments.versions import find_xcom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, TaskInstanceKey

__all__ = ["ExperiencePlatformLink"]

LINK_KEY = "experience_platform_link"
UI = "https://experience.adobe.com"


class ExperiencePlatformLink(BaseOperatorLink):
    """
    A button on the task that opens the page of the object that the task created, adopted or waited for.

    .. seealso:: ``docs/operators.md#the-link`` in the manual.
    """

    name = "Experience Platform"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the URL that the task stored, or an empty text."""
        return find_xcom(_key_of(ti_key), ti_key) or ""


def store_link(context: Any, *, url: str, sandbox: str, page: str, object_id: str) -> None:
    """Store the URL that :func:`page_address` returns, for :class:`ExperiencePlatformLink`."""
    keep(context, _key_of(context.get("ti")), page_address(url, sandbox, page, object_id))


def page_address(url: str, sandbox: str, page: str, object_id: str) -> str:
    """
    Return the URL of an object's page in the user interface.

    :param url: the platform's URL. If its host is not Adobe's, there are no such pages, and the root URL is returned.
    :param sandbox: name of the sandbox.
    :param page: path of the page of the object's kind, with ``{id}`` in place of the object's id.
    :param object_id: id of the object.
    """
    if not (urlsplit(url).hostname or "").endswith(".adobe.io"):
        return f"{url}/"
    return f"{UI}/#/sname:{quote(sandbox)}/platform/{page.format(id=quote(object_id, safe=''))}"


def _key_of(ti: Any) -> str:
    """Return the XCom key of a task instance, which contains the map index of a mapped one."""
    index = getattr(ti, "map_index", None)
    return f"{LINK_KEY}_{index}" if isinstance(index, int) and index >= 0 else LINK_KEY


def keep(context: Any, key: str, value: object) -> None:
    """Push an XCom if the context holds a task instance; a unit test may call ``execute({})`` without one."""
    if "ti" in context:
        context["ti"].xcom_push(key=key, value=value)


def keep_of_failure(context: Any, key: str, value: object, log: Any) -> None:
    """Push an XCom of a failing task; an error of Airflow is only logged, so that the task's own error is raised."""
    try:
        keep(context, key, value)
    except Exception as error:  # the XCom backend may raise anything
        log.warning("Could not push the XCom %s: %s", key, error)
