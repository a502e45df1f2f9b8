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
    A button on the task that opens the object which the task created, adopted or waited for.

    .. seealso:: ``docs/operators.md#the-link`` in the manual.
    """

    name = "Experience Platform"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address that the task stored, or an empty text."""
        return find_xcom(_key_of(ti_key), ti_key) or ""


def store_link(context: Any, *, url: str, sandbox: str, page: str, object_id: str) -> None:
    """Store the address that :func:`page_address` returns, for :class:`ExperiencePlatformLink`."""
    keep(context, _key_of(context.get("ti")), page_address(url, sandbox, page, object_id))


def page_address(url: str, sandbox: str, page: str, object_id: str) -> str:
    """
    Return the address of an object's page in the user interface.

    :param url: the platform's URL; if it is not Adobe's, there are no such pages, and the address is that of its root.
    :param sandbox: name of the sandbox.
    :param page: path of its kind's page in the user interface, with ``{id}`` for its id.
    :param object_id: id of the object.
    """
    if not (urlsplit(url).hostname or "").endswith(".adobe.io"):
        return f"{url}/"
    return f"{UI}/#/sname:{quote(sandbox)}/platform/{page.format(id=quote(object_id, safe=''))}"


def _key_of(ti: Any) -> str:
    """Return a key of the task instance's own, which distinguishes it from mapped siblings."""
    index = getattr(ti, "map_index", None)
    return f"{LINK_KEY}_{index}" if isinstance(index, int) and index >= 0 else LINK_KEY


def keep(context: Any, key: str, value: object) -> None:
    """Push an XCom, if there is a task instance; a test may run a step by ``execute({})``, without one."""
    if "ti" in context:
        context["ti"].xcom_push(key=key, value=value)


def keep_of_failure(context: Any, key: str, value: object, log: Any) -> None:
    """Push an XCom of a task that fails; whatever Airflow says to that is logged, and the task's own error stays."""
    try:
        keep(context, key, value)
    except Exception as error:
        log.warning("Could not push the XCom %s: %s", key, error)
