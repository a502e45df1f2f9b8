"""Functions of URLs. The result for a text that is not a URL with a scheme is None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from airflow_provider_payments.emulator.data_prep.language.function import Function, group, plain
from airflow_provider_payments.emulator.data_prep.language.values import ExpressionError

_PORTS = {"ftp": 21, "sftp": 22, "ssh": 22, "http": 80, "https": 443, "ftps": 990}
_ANCHORS = ("retain", "remove", "append")


def _read(text: str) -> SplitResult | None:
    try:
        url = urlsplit(text)
        # Reading the port validates it.
        return url if url.scheme and (url.port is None or url.port >= 0) else None
    except ValueError:
        return None


def _protocol(text: str) -> str | None:
    url = _read(text)
    return url and url.scheme


def _host(text: str) -> str | None:
    url = _read(text)
    return url and url.hostname


def _port(text: str) -> int | None:
    url = _read(text)
    return url and (url.port or _PORTS.get(url.scheme))


def _path(text: str, full: bool = True) -> str | None:
    url = _read(text)
    if url is None:
        return None
    return url.path if full else url.path.rpartition("/")[2]


def _query(text: str, anchor: str) -> dict[str, Any] | None:
    if anchor not in _ANCHORS:
        raise ExpressionError(f"the treatment of the anchor must be one of {', '.join(_ANCHORS)}")
    url = _read(text)
    if url is None:
        return None
    kept = f"#{url.fragment}" if url.fragment and anchor == "retain" else ""
    values: dict[str, Any] = dict(parse_qsl(url.query, keep_blank_values=True))
    if kept and values:
        values[list(values)[-1]] += kept
    return {**values, "_anchor_": url.fragment} if url.fragment and anchor == "append" else values


def _encoded(text: str) -> str:
    return quote(text, safe="").replace("~", "%7E")


_HOME = '"https://platform.adobe.com/home"'
_FILE = '"sftp://example.com//home/joe/employee.csv"'
_PLAIN, _CODED = "https://example.com/partneralliance_asia-pacific_2022", "partneralliance_asia-pacific_2022"
URL_FUNCTIONS: Mapping[str, Function] = group(
    "URL",
    ("get_url_protocol(url: text) -> text", plain(_protocol), "The scheme.", f"get_url_protocol({_HOME})", "https"),
    ("get_url_host(url: text) -> text", plain(_host), "The host.", f"get_url_host({_HOME})", "platform.adobe.com"),
    ("get_url_port(url: text) -> whole", plain(_port), "The port.", f"get_url_port({_FILE})", "22"),
    (
        "get_url_path(url: text, full_path?: boolean) -> text",
        plain(_path),
        "The path, or its end.",
        f"get_url_path({_FILE})",
        "//home/joe/employee.csv",
    ),
    (
        "get_url_query_str(url: text, anchor: text) -> object",
        plain(_query),
        "The parameters; the anchor is retained, removed or appended.",
        'get_url_query_str("foo://example.com:8042/over/there?name=ferret#nose", "append")',
        '{"name": "ferret", "_anchor_": "nose"}',
    ),
    (
        "get_url_encoded(url: text) -> text",
        plain(_encoded),
        "The text with special characters encoded.",
        f'get_url_encoded("{_PLAIN}")',
        f"https%3A%2F%2Fexample.com%2F{_CODED}",
    ),
    (
        "get_url_decoded(url: text) -> text",
        plain(unquote),
        "The text with special characters decoded.",
        f'get_url_decoded("https%3A%2F%2Fexample.com%2F{_CODED}")',
        _PLAIN,
    ),
)
