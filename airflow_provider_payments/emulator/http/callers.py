"""
Access to the control interface and the page: allowed for this machine, not for the pages of other web sites.

A browser also sends requests of any web site to loopback. After DNS rebinding, the ``Host`` header still names the
site; a cross-site request names the site in ``Origin``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LOOPBACK = re.compile(rb"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


def forbidden_reason(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the reason for which the control interface refuses a request; None if it accepts the request.

    :param headers: the request's headers, with lower-case names.
    """
    given = list(headers)
    hosts = [value for name, value in given if name == b"host"]
    if len(hosts) != 1 or not _LOOPBACK.fullmatch(hosts[0]):
        return f"The Host header is {_shown(hosts)}: it must be a loopback address (127.0.0.1, localhost, [::1])."
    origins = [value for name, value in given if name == b"origin"]
    if any(origin.lower() != b"http://" + hosts[0].lower() for origin in origins):
        return f"The Origin header is {_shown(origins)}: it must be the emulator's own or absent."
    return None


def _shown(values: Iterable[bytes]) -> str:
    return ", ".join(repr(value.decode("latin-1")[:100]) for value in values) or "absent"
