"""How a secret may be written where somebody searches for it."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus


def forms(secret: str) -> set[bytes]:
    """The secret as it is, as URLs, forms, JSON and source text write it, and in base64 wherever in a text it stood."""
    plain = secret.encode()
    written = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    found = {text.encode() for text in written}
    for offset in range(3):
        # What stands before and after it in a text changes the first and the last characters only.
        code = base64.b64encode(b"\0" * offset + plain)[(0, 2, 3)[offset] :]
        code = code.rstrip(b"=")[:-1]
        found |= {code, code.translate(bytes.maketrans(b"+/", b"-_")), quote(code, safe="").encode()}
    return found
