"""One request to send, and the credential that signs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import attrs

from airflow_provider_payments.aep.errors import Failure, InvalidInputError, RequestError
from airflow_provider_payments.aep.http.proxies import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_payments.aep.http.answers import Expected


def require_https(field_name: str, url: str) -> str:
    """
    Return ``url`` without a trailing slash.

    :raises InvalidInputError: if the URL is not https, except http to a loopback address; or if it has other parts than
        scheme, host, port and path.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidInputError(field_name, "(unreadable)", "it must be an https:// URL") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        # The error does not repeat these parts, which may contain a secret.
        raise InvalidInputError(field_name, f"{parts.scheme}://{host}...", "only scheme, host, port and path")
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host))):
        raise InvalidInputError(field_name, url, "it must be an https:// URL (http:// only for a loopback address)")
    return url.rstrip("/")


class Credential(Protocol):
    """A provider of bearer tokens, with which requests are signed."""

    @property
    def client_id(self) -> str:
        """The client id, sent as ``x-api-key``."""

    def token(self) -> str | None:
        """Return a token that is believed to be valid; ``None`` for unsigned requests."""

    @property
    def renewable(self) -> bool:
        """Whether another token can be requested if a service refuses one."""

    def reject(self, token: str | None) -> bool:
        """Record that a service refused ``token``; return whether :meth:`token` returns another one now."""


@attrs.frozen
class Call:
    """
    One request to send.

    :param method: the HTTP method.
    :param url: the URL without its query.
    :param params: the query parameters in order; a name may occur more than once.
    :param json: the body, or a function that returns the body of each attempt. Defaults to no body.
    :param form: the body as form fields, for the token request. Defaults to no body.
    :param headers: headers in addition to those of every request.
    :param credential: signs the request. Defaults to ``None``, for the token request itself.
    :param changes_nothing: whether the request only reads. Defaults to true for a GET.
    :param safe: whether the request may be repeated after an unknown outcome. Defaults to ``changes_nothing``.
    :param expected: checks the shape of the body and returns its value. Defaults to an object or a list, and for a
        DELETE to any body.
    :param into: a function for files, which receives the body of a 200 in chunks and returns the value of the body. It
        is called anew for each attempt, and may raise :class:`.UnexpectedError`. The timeout of whole answers does not
        apply to such a request. Defaults to ``None``: the body is read as JSON.
    :param attempts: the number of attempts allowed, not counting one repeat with a new token. Defaults to that of the
        transport.
    """

    method: str
    url: str
    params: list[tuple[str, str]] = attrs.field(factory=list)
    json: Any = attrs.field(default=None, repr=False)
    form: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    credential: Credential | None = None
    changes_nothing: bool = attrs.field(default=attrs.Factory(lambda call: call.method == "GET", takes_self=True))
    safe: bool = attrs.field(default=attrs.Factory(lambda call: call.changes_nothing, takes_self=True))
    expected: Expected | None = None
    into: Callable[[Iterator[bytes]], Any] | None = attrs.field(default=None, repr=False)
    attempts: int | None = None

    @property
    def path(self) -> str:
        """The path of the request, without its query."""
        return urlsplit(self.url).path

    def failed(self, failure: Failure, reason: str, status: int | None = None) -> RequestError:
        """Return the error of an attempt without an answer of a service."""
        return RequestError(
            failure, self.method, self.path, reason=reason, status=status, changes_nothing=self.changes_nothing
        )
