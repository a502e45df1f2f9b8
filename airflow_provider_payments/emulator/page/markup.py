"""HTML that cannot forget to escape: text is escaped wherever it goes in, only :class:`Markup` is not."""

from __future__ import annotations

import re
from html import escape

Attributes = dict[str, str | int | None]
_VOID = frozenset({"meta", "link", "wbr"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: str | None, **attributes: str | int | None) -> Markup:
    """An element.

    :param children: text or markup; None is left out.
    :param attributes: a trailing underscore is dropped, others become hyphens; None is left out.
    """
    head = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{head}>")
    return Markup(f"<{name}{head}>{together(*children)}</{name}>")


def together(*children: str | None) -> Markup:
    """Text and markup side by side, without an element around them."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else escape(child, quote=False)
            for child in children
            if child is not None
        )
    )


def breakable(text: str) -> Markup:
    """Text that may go on in the next line after a dot, a slash or a low line."""
    pieces = re.split(r"(?<=[./_])", text)
    return together(*(part for piece in pieces for part in (piece, tag("wbr"))))
