"""A customer as its sessions see it: one for each credential, shared by all its binds, so that what is limited is the
customer and not the bind.
"""

from whimbrel.domain.customers import CustomerSettings
from whimbrel.domain.model import MessageClass
from whimbrel.domain.pacing import Bucket
from whimbrel.edges.smpp.gate import Admitted


class Customer:
    """Whose messages they are, how its binds are treated now, and how much it may still send."""

    __slots__ = ("account_id", "bucket", "credential_id", "message_class", "settings", "test", "validity_s")

    settings: CustomerSettings
    message_class: MessageClass

    def __init__(self, admitted: Admitted) -> None:
        credential = admitted.credential
        self.credential_id = credential.id
        self.account_id = credential.account_id
        self.test = credential.test
        self.bucket = Bucket(0, 0)
        self.adopt(admitted.settings)

    def adopt(self, settings: CustomerSettings) -> None:
        """The settings that hold from now on."""
        self.settings = settings
        self.message_class = settings.message_class
        self.validity_s: int | None = settings.validity_s or None
        rate = settings.throughput_per_s
        if rate != self.bucket.rate_per_s:
            self.bucket = Bucket(rate, rate)

    def take(self, messages: int, now_us: int) -> bool:
        """Whether it may send so many messages now; they are counted then. A second's worth may come at once."""
        return self.bucket.take(messages, now_us) == 0
