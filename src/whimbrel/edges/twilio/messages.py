"""What may be done with messages that exist: list, fetch, redact, cancel, delete."""

import msgspec

from whimbrel.domain.model import Message
from whimbrel.edges.shared.services import Services
from whimbrel.edges.twilio import forms, listing, shapes
from whimbrel.edges.twilio.routes import Reply, Request

_encode = msgspec.json.Encoder().encode


class Messages:
    """The handlers."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._cancel = services.cancel

    async def find(self, request: Request) -> Reply:
        """A page of messages."""
        return Reply(_encode(await listing.page(self._services, request)))

    async def fetch(self, request: Request) -> Reply:
        """One message."""
        return _answered(await self._cancel.find(request.account_id, request.test, request.sid))

    async def update(self, request: Request) -> Reply:
        """An empty `Body` erases text and numbers of a final message; `Status=canceled` takes one back."""
        form = forms.parse(await forms.read(request))
        status, body = forms.one(form, "Status"), forms.one(form, "Body")
        if body:
            raise forms.wrong("Body", "Body can only be emptied.")
        if status not in ("", "canceled"):
            raise forms.wrong("Status", "Status can only become canceled.")
        if not status and "Body" not in form:
            raise forms.wrong("Body", "Send an empty Body to erase the message, or Status=canceled to cancel it.")
        of = (request.account_id, request.test, request.sid)
        message = await self._cancel.cancel(*of) if status else await self._cancel.find(*of)
        if "Body" in form:
            message = await self._cancel.redact(*of)
        return _answered(message)

    async def delete(self, request: Request) -> Reply:
        """Remove a final message."""
        await self._cancel.delete(request.account_id, request.test, request.sid)
        return Reply(b"", 204)


def _answered(message: Message) -> Reply:
    return Reply(_encode(shapes.stored(message)))
