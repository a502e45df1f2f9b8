"""The classification of exceptions of ``requests``: the kind of failure of a request without a complete answer."""

from __future__ import annotations

from ssl import SSLCertVerificationError
from urllib.parse import urlsplit

from airflow_provider_payments.aep.errors import Failure
from airflow_provider_payments.aep.http.proxies import refusal, shown


def through(proxy: str) -> str:
    """Return the part of a sentence that names the proxy; empty without a proxy."""
    return f" through the proxy {shown(proxy)}" if proxy else ""


def classify_exception(error: Exception, url: str, proxy: str, connect: float, silence: float) -> tuple[Failure, str]:
    """
    Return the kind of failure of a request without a complete answer, and the reason.

    :param error: the exception of ``requests`` or ``urllib3``.
    :param url: the URL of the request.
    :param proxy: the URL of its proxy; empty without a proxy.
    :param connect: the timeout for the connection, in seconds.
    :param silence: the timeout for the next byte of the answer, in seconds.
    """
    import requests.exceptions as kinds
    from urllib3.exceptions import InvalidHeader, ReadTimeoutError

    root = _root(error)
    if isinstance(error, (kinds.ReadTimeout, kinds.ConnectionError)) and isinstance(root, ReadTimeoutError):
        return Failure.AMBIGUOUS, f"no answer within {silence:.3g} s{through(proxy)}"
    if reason := _why_not_sent(error, root, url, proxy, connect):
        return Failure.NOT_SENT, reason
    match error:
        case kinds.SSLError():
            return Failure.AMBIGUOUS, "the TLS connection broke"
        case kinds.ConnectionError():
            return Failure.AMBIGUOUS, f"the connection broke before the answer was complete{through(proxy)}"
        case kinds.ChunkedEncodingError():
            return Failure.AMBIGUOUS, "the answer was cut off"
        case kinds.ContentDecodingError():
            return Failure.AMBIGUOUS, "the answer could not be decoded"
        case kinds.InvalidHeader() if isinstance(root, InvalidHeader):
            return Failure.AMBIGUOUS, "the answer's headers contradict each other"
        case kinds.InvalidSchema() if proxy.lower().startswith("socks"):
            return Failure.FINAL, f"the proxy {shown(proxy)} speaks SOCKS, which needs the package PySocks"
        case _:
            return Failure.FINAL, f"{type(error).__name__}{through(proxy)}"


def _why_not_sent(error: Exception, root: BaseException, url: str, proxy: str, connect: float) -> str:
    """Return why the request was not sent; empty if it may have been sent."""
    import requests.exceptions as kinds
    from urllib3.exceptions import NewConnectionError

    match error:
        case kinds.ConnectTimeout():
            return f"no connection within {connect:.3g} s{through(proxy)}"
        case kinds.SSLError():
            is_refused = isinstance(root, SSLCertVerificationError)
            return "the host's TLS certificate was not accepted" if is_refused else ""
        case kinds.ConnectionError() if isinstance(root, NewConnectionError):
            return refusal(proxy, error) or f"cannot connect to {urlsplit(url).netloc}"
        case kinds.ConnectionError():
            return refusal(proxy, error)
        case _:
            return ""


def _root(error: BaseException) -> BaseException:
    """Return the original error inside the exceptions of ``requests`` and ``urllib3``."""
    from urllib3.exceptions import MaxRetryError, NewConnectionError, ProxyError

    while True:
        if isinstance(error, MaxRetryError):
            inner: object = error.reason
        elif isinstance(error, ProxyError):
            inner = error.original_error
        elif isinstance(error, NewConnectionError):
            return error
        else:
            inner = error.args[0] if error.args else None
        if not isinstance(inner, BaseException):
            return error
        error = inner
