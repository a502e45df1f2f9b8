"""What became of a request that brought no whole answer, by what ``requests`` raised."""

from __future__ import annotations

from ssl import SSLCertVerificationError
from urllib.parse import urlsplit

from airflow_provider_payments.aep.errors import Failure
from airflow_provider_payments.aep.http.proxies import refusal, shown


def through(proxy: str) -> str:
    """Return the part of a sentence that names a proxy, where there is one."""
    return f" through the proxy {shown(proxy)}" if proxy else ""


def unanswered(error: Exception, url: str, proxy: str, connect: float, silence: float) -> tuple[Failure, str]:
    """Tell what became of a request that brought no whole answer."""
    import requests.exceptions as kinds
    from urllib3.exceptions import InvalidHeader, NewConnectionError, ReadTimeoutError

    match error:
        case kinds.ReadTimeout() | kinds.ConnectionError() if isinstance(_root(error), ReadTimeoutError):
            return Failure.AMBIGUOUS, f"no answer within {silence:.3g} s{through(proxy)}"
        case kinds.ConnectTimeout():
            return Failure.NOT_SENT, f"no connection within {connect:.3g} s{through(proxy)}"
        case kinds.SSLError() if isinstance(_root(error), SSLCertVerificationError):
            return Failure.NOT_SENT, "the host's TLS certificate was not accepted"
        case kinds.SSLError():
            return Failure.AMBIGUOUS, "the TLS connection broke"
        case kinds.ConnectionError() if reason := refusal(proxy, error):
            return Failure.NOT_SENT, reason
        case kinds.ConnectionError() if isinstance(_root(error), NewConnectionError):
            return Failure.NOT_SENT, f"cannot connect to {urlsplit(url).netloc}"
        case kinds.ConnectionError():
            return Failure.AMBIGUOUS, f"the connection broke before the answer was complete{through(proxy)}"
        case kinds.ChunkedEncodingError():
            return Failure.AMBIGUOUS, "the answer was cut off"
        case kinds.ContentDecodingError():
            return Failure.AMBIGUOUS, "the answer could not be decoded"
        case kinds.InvalidSchema() if proxy.lower().startswith("socks"):
            return Failure.FINAL, f"the proxy {shown(proxy)} speaks SOCKS, which needs the package PySocks"
        case kinds.InvalidHeader() if isinstance(_root(error), InvalidHeader):
            return Failure.AMBIGUOUS, "the answer's headers contradict each other"
        case _:
            return Failure.FINAL, f"{type(error).__name__}{through(proxy)}"


def _root(error: BaseException) -> BaseException:
    """Return what lies under the wrappings of ``requests`` and ``urllib3``."""
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
