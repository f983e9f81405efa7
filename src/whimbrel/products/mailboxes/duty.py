"""Mailboxes put together as the one part that a node runs for all: the followers of the log, and what sends."""

from whimbrel.base.metrics import Metrics
from whimbrel.manage.context import Context
from whimbrel.net.smtp import Mailer
from whimbrel.products.mailboxes.answers import Answers
from whimbrel.products.mailboxes.reports import Reports
from whimbrel.products.mailboxes.sending import Sending


class Mailboxes:
    """Implements `journey.duties.Part`."""

    def __init__(self, ctx: Context, metrics: Metrics, mailer: Mailer | None, *, domain: str, sender: str) -> None:
        sending = Sending(ctx, metrics, mailer, domain=domain, sender=sender)
        self._parts = (sending, Answers(ctx), Reports(ctx))

    async def start(self) -> None:
        """Begin where the last holder stopped."""
        for part in self._parts:
            await part.start()

    async def stop(self) -> None:
        """In reverse."""
        for part in reversed(self._parts):
            await part.stop()
