"""Rendering the templates, and the HTTP headers of the page. Jinja2 and the templates are loaded for the first page."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.emulator.page.formatting import counted, cut, moment, number, pieces, sign
from airflow_provider_payments.emulator.page.plot import MIN_BAR_HEIGHT, plot

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **context: Any) -> str:
    """Render a page.

    :param template: the name of the template's file.
    :param context: the template's variables by name.
    """
    return _environment().get_template(template).render(context)


@cache
def headers() -> dict[str, str]:
    """Return the headers of every page, which forbid scripts and every resource but the style sheet."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


@cache
def _style() -> str:
    return (files(__package__) / "templates" / "style.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters = (counted, cut, moment, number, pieces, sign)
    environment.filters |= {function.__name__: function for function in filters}
    environment.globals |= {"plot_of": plot, "min_bar_height": MIN_BAR_HEIGHT, "style": _style()}
    return environment
