"""The wire form of Data Access: pages of files, and their content."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from airflow_provider_payments.emulator.catalog.batches import Batch
from airflow_provider_payments.emulator.catalog.state import Catalog
from airflow_provider_payments.emulator.core.call import Answer, Call
from airflow_provider_payments.emulator.core.refusals import PlainRefusal
from airflow_provider_payments.emulator.data_access.files import File

PREFIX = "/data/foundation/export"
MAX_LIMIT = 100
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")

Item = TypeVar("Item")


def page_of(call: Call[Catalog], address: str, items: Sequence[Item], shape: Callable[[Item], Any]) -> Answer:
    """Answer with the requested page; if there are several pages, with links to this page and the next.

    :param address: the path of the list, below the service's prefix.
    :param shape: returns the wire form of an item.
    """
    refuse = functools.partial(PlainRefusal, 400)
    start, limit = (
        call.whole_number("start", refuse, 0),
        min(call.whole_number("limit", refuse, 0), MAX_LIMIT) or MAX_LIMIT,
    )
    body: dict[str, Any] = {
        "data": [shape(item) for item in items[start : start + limit]],
        "_page": {"limit": limit, "count": len(items)},
    }
    if start > 0 or start + limit < len(items):

        def link(begin: int) -> str:
            return f"{call.state.sandbox.origin}{PREFIX}{address}?{call.query_with(start=begin, limit=limit)}"

        body["_links"] = {"page": {"href": link(start), "templated": True}}
        if start + limit < len(items):
            body["_links"] = {"next": {"href": link(start + limit)}, **body["_links"]}
    return Answer(body)


def directory(call: Call[Catalog], address: str, files: Sequence[File], within: str = "") -> Answer:
    """Answer with a page of the files in a directory.

    :param address: the path of the files, below the service's prefix.
    :param within: the directory's name, if it is a part of the files' paths; its slash is escaped in links.
    """

    def shape(file: File) -> dict[str, Any]:
        path = f"{within}/{file.name}" if within else file.name
        return {
            "name": file.name,
            "length": str(len(file.content())),
            "_links": {"self": {"href": f"{call.state.sandbox.origin}{PREFIX}{address}?path={quote(path, safe='')}"}},
        }

    return page_of(call, address, files, shape)


def dataset_file(call: Call[Catalog], batch: Batch, view_id: str, number: int) -> dict[str, Any]:
    """Return the wire form of a dataset file in the list of a batch.

    :param number: the number of the file in the batch, from 1.
    """
    identifier = f"{batch.id}-{number}"
    return {
        "dataSetFileId": identifier,
        "dataSetViewId": view_id,
        "version": "1.0.0",
        "created": str(batch.completed),
        "updated": str(batch.completed),
        "isValid": True,
        "_links": {"self": {"href": f"{call.state.sandbox.origin}{PREFIX}/files/{identifier}"}},
    }


def download(call: Call[Catalog], file: File) -> Answer:
    """Answer with the content of a file, or with the range of bytes that the request names."""
    content = file.content()
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
    requested = _RANGE.fullmatch(call.headers.get("range", "").replace(" ", ""))
    if requested is None or requested[0] == "bytes=-":
        return Answer(content, 200, headers)
    begin, end = _bounds(requested[1], requested[2], len(content))
    if begin >= end:
        raise PlainRefusal(416, f"The file has only {len(content)} bytes.")
    headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(content)}"
    return Answer(content[begin:end], 206, headers)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """Return a range as half-open bounds: from the first to the last byte, from a byte on, or the last bytes."""
    if not first:
        return max(size - int(last), 0), size
    return int(first), min(int(last) + 1, size) if last else size
