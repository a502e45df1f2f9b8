"""The web application of the page. It serves static files only; the page reads Airflow's REST API in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["make_app"]

#: The page loads resources from Airflow's origin only, and only Airflow may show it in a frame. A browser revalidates
#: each file before it uses a cached one, so an upgrade takes effect at once.
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class _WithHeaders:
    """Middleware that adds :data:`HEADERS` to each answer."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def make_app() -> Starlette:
    """Return the web application."""
    files = StaticFiles(directory=Path(__file__).parent / "page", html=True)
    return Starlette(routes=[Mount("/", files)], middleware=[Middleware(_WithHeaders)])
