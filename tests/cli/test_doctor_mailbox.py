"""What `whimbrel doctor` says of the mailbox door: one that is open, one that is not, strangers, certificates."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.net.certificates import Authority
from whimbrel.cli import doctor_mailbox
from whimbrel.config import Settings
from whimbrel.edges.mail.server import MailServer
from whimbrel.mail_sections import Mailbox
from whimbrel.net.tls import server_context

DOOR = Mailbox(domain="sms.example.com", authserv_ids=("mx.example.com",))


class Hall:
    """In place of the door."""

    def __init__(self, admits: bool = True) -> None:
        self._admits = admits

    def admits(self, address: str) -> bool:
        return self._admits


@contextmanager
def open_door(hall: Hall, **more: Any) -> Iterator[int]:
    """The real listener, in a loop of its own; its port."""
    server = MailServer(hall, domain="sms.example.com", host="127.0.0.1", port=0, **more)  # type: ignore[arg-type]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
    try:
        yield server.port
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(5), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


def told(**more: Any) -> list[tuple[str, str]]:
    found = doctor_mailbox.look(Settings(mailbox=msgspec.structs.replace(DOOR, **more)))
    return [(each.state, each.detail) for each in found]


def test_nothing_is_said_of_a_door_that_stays_shut() -> None:
    assert list(doctor_mailbox.look(Settings())) == []
    elsewhere = Settings(mailbox=DOOR, roles=("api",))
    assert [each.detail for each in doctor_mailbox.look(elsewhere)] == ["not a role of this node"]


def test_an_open_door_answers(tmp_path: Path) -> None:
    issued = Authority(tmp_path, "authority").issue("localhost")
    context = server_context(issued.cert, issued.key)
    with open_door(Hall(), tls=context) as port:
        certified = {"tls_cert_file": issued.cert, "tls_key_file": issued.key}
        first, last = told(port=port, **certified)
        assert "expires in" in first[1], "those of tests hold for a day"
        assert last == ("ok", f"127.0.0.1:{port} takes mail for phones at sms.example.com")
    with open_door(Hall()) as port:
        assert told(port=port)[-1][0] == "ok"
        assert told(port=port, **certified)[-1] == ("error", f"127.0.0.1:{port} offers no STARTTLS")


def test_what_is_wrong_with_it() -> None:
    state, detail = told(port=1)[-1]
    assert state == "error" and "nothing takes mail at 127.0.0.1:1" in detail
    with open_door(Hall(admits=False)) as port:
        (whom, answer) = told(port=port, authserv_ids=())
    assert whom[0] == "warning" and "auth" in whom[1]
    assert answer == ("ok", f"127.0.0.1:{port} answers, and lets in its own relays only")
    with open_door(Hall(), connections_max=0) as port:
        state, detail = told(port=port)[-1]
    assert state == "error" and "421" in detail
    assert told(port=1, tls_cert_file="/nowhere.pem")[0][0] == "error"
