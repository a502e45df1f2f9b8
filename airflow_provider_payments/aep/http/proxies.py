"""The proxy of a request, and the error texts of failed proxies, which never contain a password."""

from __future__ import annotations

import re
from base64 import b64encode
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from airflow_provider_payments.aep.redaction import remember

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is the local machine; a *name* that begins with ``127.`` may be any machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def proxy_for(url: str, configured: Mapping[str, str]) -> str:
    """
    Return the URL of the proxy for a request to ``url``, empty if there is none.

    Proxies of the environment (``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``) cannot reach this machine's loopback
    addresses, so only a configured proxy is used for those.

    :param configured: the proxies of the connection, in the form of ``requests``; they take precedence over those of
        the environment.
    """
    from requests.utils import get_environ_proxies, select_proxy

    is_local = is_loopback(urlsplit(url).hostname or "")
    environment = {} if is_local else get_environ_proxies(url, configured.get("no_proxy"))
    proxy = select_proxy(url, {**environment, **configured}) or ""
    remember_password(proxy)
    return proxy


def proxies_argument(url: str, proxy: str) -> dict[str, str]:
    """Return the argument ``proxies`` of ``requests`` that uses ``proxy``, or none, regardless of the environment."""
    parts = urlsplit(url)
    return {f"{parts.scheme}://{parts.hostname}": proxy}


def remember_password(proxy: str) -> None:
    """Register the password in a proxy's URL for redaction, in each form in which it is sent."""
    parts = _split(proxy)
    if parts and parts.password:
        user, password = unquote(parts.username or ""), unquote(parts.password)
        remember(parts.password, password, b64encode(f"{user}:{password}".encode()).decode())


def shown(proxy: str) -> str:
    """Return a proxy's host and port, for messages."""
    parts = _split(proxy)
    return parts.netloc.rpartition("@")[2] if parts else "with an unreadable URL"


def refusal(proxy: str, error: BaseException) -> str:
    """
    Return why no request was sent through a proxy; empty if a request may have been sent.

    The text of the proxy itself is not repeated, only its status.

    :param error: the exception of ``requests``.
    """
    from requests.exceptions import ProxyError
    from urllib3.exceptions import NewConnectionError

    if not isinstance(error, ProxyError):
        return ""
    cause = getattr(getattr(error.args[0], "reason", None), "original_error", None) if error.args else None
    if status := re.match(r"Tunnel connection failed: ([0-9]{3})\b", str(cause)):
        return f"the proxy {shown(proxy)} refuses the connection with status {status[1]}"
    return f"cannot connect to the proxy {shown(proxy)}" if isinstance(cause, NewConnectionError) else ""


def _split(proxy: str) -> SplitResult | None:
    try:
        # A URL without a scheme means http, as in `requests`.
        parts = urlsplit(proxy if "://" in proxy else f"//{proxy}")
        _ = parts.port
    except ValueError:
        return None
    return parts
