"""The encodings in which a secret may appear in a text."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus


def forms(secret: str) -> set[bytes]:
    """Return the secret as plain text, in URLs, forms, JSON and source text, and in base64 at any offset of a text."""
    plain = secret.encode()
    written = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    found = {text.encode() for text in written}
    for offset in range(3):
        # The text before and after the secret changes only the first and last characters of the encoding.
        code = base64.b64encode(b"\0" * offset + plain)[(0, 2, 3)[offset] :]
        code = code.rstrip(b"=")[:-1]
        found |= {code, code.translate(bytes.maketrans(b"+/", b"-_")), quote(code, safe="").encode()}
    return found
