"""Ids and etags in the forms of the services."""

from __future__ import annotations

import itertools
import secrets
import uuid

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_etag_numbers = itertools.count(secrets.randbits(24))


def new_uuid() -> str:
    """Return a new id for a Flow Service resource or a request."""
    return str(uuid.uuid4())


def new_hash() -> str:
    """Return the last part of a new schema's ``$id``: 48 hex digits."""
    return secrets.token_hex(24)


def new_object_id(at: float) -> str:
    """Return a new Catalog id: 24 hex digits, of which the first eight are a time stamp.

    :param at: epoch seconds.
    """
    return f"{int(at) & 0xFFFFFFFF:08x}{secrets.token_hex(8)}"


def new_ulid(at: float) -> str:
    """Return a new batch id: 26 characters that sort by time.

    :param at: epoch seconds.
    """
    value = (int(at * 1000) & (1 << 48) - 1) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def new_etag(at: float) -> str:
    """Return a new Flow Service etag, with quotes.

    :param at: epoch seconds, which the last group of the etag encodes.
    """
    return f'"{next(_etag_numbers) & 0xFFFFFFFF:08x}-0000-0200-0000-{int(at) & 0xFFFFFFFF:08x}0000"'
