"""
The page *Payments* in Airflow 3.1 and newer; older versions load the plugin and ignore its page.

Every component of Airflow that loads plugins imports this module, so it imports Airflow's base class only. The web
application is created at its first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["PaymentsPlugin"]

#: Path of the page below Airflow's URL; the page's links are relative to it.
URL_PREFIX = "/payments-page"


class _LazyApp:
    """An ASGI application that is imported at its first request."""

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
    # Airflow's base class declares both as instance attributes, but reads the class attributes.
    fastapi_apps = [{"app": _LazyApp(), "url_prefix": URL_PREFIX, "name": "Payments"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Payments",
            # A relative URL, because Airflow itself may be below a prefix.
            "href": f"{URL_PREFIX.removeprefix('/')}/",
            "url_route": "payments",
            "destination": "nav",
            "category": "browse",
        }
    ]
