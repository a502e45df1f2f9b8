"""
The page *Payments* in Airflow 3.1 and newer; older ones load the plugin and pass it over.

Every part of Airflow that loads plugins imports this module, so it imports nothing but Airflow's base class; the web
application is made with its first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["PaymentsPlugin"]

#: Below Airflow's own address; the page refers to everything by its distance from here.
URL_PREFIX = "/payments-page"


class _LazyApp:
    """An ASGI application that is imported with its first request."""

    _app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if self._app is None:
            from airflow_provider_payments.plugin.app import make_app

            self._app = make_app()
        await self._app(scope, receive, send)


class PaymentsPlugin(AirflowPlugin):
    """
    Adds the page to Airflow's menu *Browse*.

    .. seealso:: ``docs/page.md`` in the manual.
    """

    name = "payments"
    # Airflow's base class declares both for instances, and reads them of the class.
    fastapi_apps = [{"app": _LazyApp(), "url_prefix": URL_PREFIX, "name": "Payments"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Payments",
            # Relative and with a slash at its end: Airflow may be below a prefix itself.
            "href": f"{URL_PREFIX.removeprefix('/')}/",
            "url_route": "payments",
            "destination": "nav",
            "category": "browse",
        }
    ]
