"""Which proxy a request passes through, and what is said of a proxy that fails. No password is ever part of that."""

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
    """Whether ``host`` is this machine itself; a name that begins with ``127.`` may lead anywhere."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def proxy_for(url: str, configured: Mapping[str, str]) -> str:
    """
    Return the URL of the proxy that a request to ``url`` passes through, empty where there is none.

    A proxy of the environment (``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``) does not know the way to this machine's
    loopback, so only one that is configured is used for that.

    :param configured: the connection's, as ``requests`` takes them; they come before those of the environment.
    """
    from requests.utils import get_environ_proxies, select_proxy

    around = {} if is_loopback(urlsplit(url).hostname or "") else get_environ_proxies(url, configured.get("no_proxy"))
    proxy = select_proxy(url, {**around, **configured}) or ""
    remember_password(proxy)
    return proxy


def only(url: str, proxy: str) -> dict[str, str]:
    """Return what ``requests`` takes as ``proxies``: ``proxy`` or none for ``url``, whatever the environment says."""
    parts = urlsplit(url)
    return {f"{parts.scheme}://{parts.hostname}": proxy}


def remember_password(proxy: str) -> None:
    """Take note of the password in a proxy's URL, in each form in which it is sent."""
    parts = _split(proxy)
    if parts and parts.password:
        user, password = unquote(parts.username or ""), unquote(parts.password)
        remember(parts.password, password, b64encode(f"{user}:{password}".encode()).decode())


def shown(proxy: str) -> str:
    """Return a proxy's host and port."""
    parts = _split(proxy)
    return parts.netloc.rpartition("@")[2] if parts else "with an unreadable URL"


def refusal(proxy: str, error: BaseException) -> str:
    """
    Say why nothing was sent through a proxy, by what ``requests`` raised; empty where something may have been.

    Of a proxy's own words only the status is taken.
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
        # Without a scheme it is taken for http, as `requests` does.
        parts = urlsplit(proxy if "://" in proxy else f"//{proxy}")
        _ = parts.port
    except ValueError:
        return None
    return parts
