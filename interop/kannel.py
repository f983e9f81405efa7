"""Kannel as a customer: its bearerbox binds to us, its smsbox takes texts by HTTP and calls back with receipts and
inbound texts.
"""

import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from interop.customers import judge
from interop.sink import Sink
from interop.verdict import Peer
from interop.world import Errand, World, free_port, until

_CONFIG = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = interop
smsbox-port = {box}
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
log-file = "{folder}/bearerbox.log"
log-level = 0
dlr-storage = internal

{smsc}
group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {http}
sendsms-interface = 127.0.0.1
log-file = "{folder}/smsbox.log"
log-level = 0

group = sendsms-user
username = interop
password = interop
max-messages = 9
concatenation = true
user-allow-ip = "127.0.0.1"

group = sms-service
keyword = default
get-url = "{sink}/inbound?text=%a&from=%p"
accept-x-kannel-headers = true
max-messages = 0
"""
_SMSC = """
group = smsc
smsc = smpp
smsc-id = whimbrel
host = {host}
{port_line}
smsc-username = {system_id}
smsc-password = {password}
system-type = ""
transceiver-mode = {transceiver}
interface-version = 34
max-pending-submits = 10
reconnect-delay = 2
enquire-link-interval = 5
source-addr-ton = 1
source-addr-npi = 1
dest-addr-ton = 1
dest-addr-npi = 1
"""
_MODES = {"transceiver": ("port",), "pair": ("port", "receive-port")}
"""By which name the port stands in each of its SMSC groups; both groups have one name, so that receipts find texts."""


def _group(errand: Errand, port_name: str, mode: str) -> str:
    return _SMSC.format(
        host=errand.host,
        port_line=f"{port_name} = {errand.port}",
        transceiver="true" if mode == "transceiver" else "false",
        system_id=errand.system_id,
        password=errand.password,
    )


class Kannel:
    """Both processes, and what they called."""

    def __init__(self, folder: Path, errand: Errand, mode: str) -> None:
        folder.mkdir(parents=True)
        self.sink = Sink(b"")
        self._http, self._admin = free_port(), free_port()
        config = folder / "kannel.conf"
        config.write_text(
            _CONFIG.format(
                admin=self._admin,
                box=free_port(),
                http=self._http,
                folder=folder,
                smsc="".join(_group(errand, port_name, mode) for port_name in _MODES[mode]),
                sink=self.sink.url,
            )
        )
        self._processes = [self._start("bearerbox", config)]
        until(lambda: "running" in self.status(), 15)
        self._processes.append(self._start("smsbox", config))
        time.sleep(1)

    def _start(self, program: str, config: Path) -> "subprocess.Popen[bytes]":
        output = config.with_name(f"{program}.out").open("wb")
        return subprocess.Popen(
            [f"/usr/sbin/{program}", "-v", "4", str(config)], stdout=output, stderr=subprocess.STDOUT
        )

    def status(self) -> str:
        """What its admin page says."""
        return self._get(f"http://127.0.0.1:{self._admin}/status.txt?password=interop")

    def send(self, errand: Errand, to: str, text: str, *, ucs2: bool = False) -> str:
        """A text; Kannel's answer."""
        fields = {
            "username": "interop",
            "password": "interop",
            "from": errand.sender,
            "to": to,
            "text": text,
            "charset": "utf-8",
            "coding": "2" if ucs2 else "0",
            "dlr-mask": "31",
            "dlr-url": f"{self.sink.url}/receipt?to={to}&type=%d",
        }
        return self._get(f"http://127.0.0.1:{self._http}/cgi-bin/sendsms?{urlencode(fields)}")

    def _get(self, url: str) -> str:
        try:
            with urlopen(url, timeout=5) as answer:
                text: str = answer.read().decode("utf-8", "replace")
                return text
        except OSError as error:
            return f"no answer: {error}"

    def delivered(self) -> set[str]:
        """Numbers whose receipt says delivered (type 1)."""
        return {f["to"] for path, f in self.sink.calls if path == "/receipt" and f["type"] == "1"}

    def texts(self) -> list[str]:
        """Inbound texts."""
        return [fields["text"] for path, fields in self.sink.calls if path == "/inbound"]

    def close(self) -> None:
        """Stop both."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait(30)
        self.sink.close()


def run(world: World, peer: Peer, mode: str) -> None:
    """Send, be told, hear an answer; then leave."""
    errand = world.errand(peer.name)
    kannel = Kannel(world.folder / f"kannel-{mode}", errand, mode)
    try:
        online = until(lambda: "online" in kannel.status(), 20)
        peer.say(f"bind_{mode}", bool(online), "" if online else kannel.status()[-300:])
        for name in ("plain", "unicode", "long"):
            said = kannel.send(errand, getattr(errand, f"{name}_to"), getattr(errand, name), ucs2=name == "unicode")
            peer.say(name, said.startswith("0:"), said)
        phones = {errand.plain_to, errand.unicode_to, errand.long_to}
        told = until(lambda: phones <= kannel.delivered(), 20)
        peer.say("receipt", bool(told), "" if told else repr(kannel.sink.calls)[-300:])
        world.text_from_phone(errand)
        heard = until(lambda: errand.inbound in kannel.texts(), 20)
        peer.say("inbound", bool(heard), "" if heard else repr(kannel.sink.calls)[-300:])
        time.sleep(6)  # an enquire_link of Kannel's falls due; without an answer it goes offline
        peer.say("enquire_link", "online" in kannel.status())
    finally:
        kannel.close()
    judge(world, peer, errand)
