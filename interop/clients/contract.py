"""What a client is asked to do, and how it says what it did. Runs in the peers' environments: the
standard library only.

A line is `{"did": capability}`, `{"failed": capability, "detail": words}`, or `{"waiting": "inbound"}`: send the text
from the phone now.
"""

import json
import sys
from typing import Any

ERRAND: dict[str, Any] = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
"""host, port, system_id, password, sender (digits), plain_to, unicode_to, long_to, plain, unicode, long, inbound,
patience_s."""


def did(capability: str, detail: str = "") -> None:
    """It worked, as the peer sees it."""
    print(json.dumps({"did": capability, "detail": detail}), flush=True)


def failed(capability: str, detail: object) -> None:
    """It did not."""
    print(json.dumps({"failed": capability, "detail": repr(detail)[:300]}), flush=True)


def waiting(what: str) -> None:
    """Something has to happen outside before the peer can go on."""
    print(json.dumps({"waiting": what}), flush=True)
