"""How a carrier over HTTP is spoken to: where its requests go, what stands in them, and how its answers, receipts and
inbound texts are read. Providers agree on HTTP and on nothing above it, so all of it is settings; `http_profiles` knows
those of some providers (docs/http-carriers.md says how to write one's own).
"""

from typing import Any, Final, Literal

import msgspec

from whimbrel.domain.dialect import IdBase

Method = Literal["POST", "GET"]
Encoding = Literal["json", "form", "query"]
"""Of the fields: a JSON object, a form in the body, or parameters of the URL."""
Auth = Literal["none", "basic", "bearer"]
"""How username and password stand in the request; `none`: nowhere but where the fields and headers name them."""
Check = Literal["token", "twilio"]
"""How a call of the provider is known to be his. `token`: by its address, which has a secret in it. `twilio`: by
X-Twilio-Signature with the password as its key as well."""


class HttpSettings(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """How a carrier over HTTP is spoken to. Paths are JMESPath, into the JSON or the form that comes."""

    url: str  # of the request that sends one message; may hold placeholders
    profile: str = ""  # the profile whose values these began with; tells where they come from, and nothing else

    # the request
    method: Method = "POST"
    encoding: Encoding = "json"
    fields: dict[str, Any] = {}  # name to value, with placeholders
    headers: dict[str, str] = {}
    encodings: dict[str, str] = {}  # its words for gsm7 and ucs2, which `{encoding}` writes
    auth: Auth = "none"
    username: str = ""
    media: bool = False  # takes media with a text (MMS): `{media}` stands in the fields

    # TLS, where the URL has https
    tls_verify: bool = True
    tls_ca_file: str = ""  # PEM; empty: the system's
    tls_cert_file: str = ""  # PEM of our certificate, where the carrier wants one
    tls_key_file: str = ""

    # how fast, and for how long
    window: int = 20  # requests under way at a time
    throughput_per_s: int = 0  # messages; 0: no limit of ours
    response_timeout_s: float = 10.0
    reconnect_min_s: float = 0.5  # how long nothing is asked after it could not be reached; doubled up to
    reconnect_max_s: float = 30.0
    cells: dict[str, int] = {}  # how much of it which cell uses, in place of the cells' own shares; others: nothing
    charge_unknown: bool = False  # settle a message that ends `unknown` as charged (the carrier bills it)

    # its answer
    answer_id: str = "id"  # path of its id of the message
    answer_code: str = ""  # path of its own word for yes or no, where HTTP's status does not say it
    answer_ok: tuple[str, ...] = ()  # those of these words that mean yes; without any, only HTTP's status counts
    statuses: dict[str, str] = {}  # HTTP status or word to what it means: `WORDS_OF_STATUSES`, or a final reason
    message_id: IdBase = "same"

    # its receipts
    receipt_items: str = ""  # path of the list of receipts in one call; empty: the call is one receipt
    receipt_id: str = "id"
    receipt_state: str = "status"
    receipt_error: str = ""
    receipt_to: str = ""  # path of the recipient: tells which text a receipt means whose answer was lost
    receipt_states: dict[str, str] = {}  # its word to a state of SMPP 3.4 5.2.28, beside the usual ones
    receipt_errors: dict[str, str] = {}  # its error to a reason of the catalogue
    check: Check = "token"
    callback_version: int = 1  # another number gives its calls other addresses, and the old ones hold no more

    # texts that it brings
    inbound_items: str = ""
    inbound_id: str = "id"
    inbound_from: str = "from"
    inbound_to: str = "to"
    inbound_text: str = "text"
    inbound_media: str = ""  # path of the URLs of media that came with it
    inbound_media_auth: bool = False  # these want username and password as the request does, where they are at its host

    @property
    def long_messages(self) -> Literal["payload"]:
        """A text goes whole; the provider cuts it."""
        return "payload"


CALLS: Final = "/providers/"
"""What the path of every call of a provider begins with."""
CallKind = Literal["receipts", "inbound"]


def call_path(carrier_id: str, token: str, kind: CallKind) -> str:
    """Where a provider brings its receipts or texts, below our public URL. `token` is that of the vault for the carrier
    and its `callback_version`."""
    return f"{CALLS}{carrier_id}/{token}/{kind}"


PATHS: Final = (
    "answer_id", "answer_code", "receipt_items", "receipt_id", "receipt_state", "receipt_error",
    "receipt_to", "inbound_items", "inbound_id", "inbound_from", "inbound_to", "inbound_text", "inbound_media",
)  # fmt: skip
"""Settings that are paths."""
