"""Jasmin with its broker and its cache, in a folder of its own. As a customer it binds to us; as a carrier it is bound
to by us, and has a simulator of its own behind it.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from interop import install
from interop.customers import judge
from interop.sink import Sink
from interop.verdict import Peer
from interop.world import PASSWORD, Errand, World, call, free_port, until

_CARRIER_USER = "ourbinds"
_PREFIX = "447899"
_CONFIG = """
[smpp-server]
bind = 127.0.0.1
port = {smpp}
log_level = INFO
[smpp-server-pb]
bind = 127.0.0.1
port = {pb}
[smpp-server-pb-client]
host = 127.0.0.1
port = {pb}
[client-management]
bind = 127.0.0.1
port = {clients}
[amqp-broker]
host = 127.0.0.1
port = {amqp}
[redis-client]
host = 127.0.0.1
port = {redis}
[http-api]
bind = 127.0.0.1
port = {http}
[router]
bind = 127.0.0.1
port = {router}
[jcli]
bind = 127.0.0.1
port = {cli}
"""
_SCRIPT = """jcliadmin
jclipwd
group -a
gid interop
ok
user -a
uid {user}
gid interop
username {user}
password {password}
ok
user -a
uid sender
gid interop
username sender
password {password}
ok
smppccm -a
cid whimbrel
host {host}
port {port}
username {system_id}
password {password}
con_loss_delay 2
con_fail_delay 2
elink_interval 5
ok
smppccm -a
cid upstream
host 127.0.0.1
port {upstream}
username upstream
password {password}
con_loss_delay 2
con_fail_delay 2
ok
filter -a
type UserFilter
fid ours
uid {user}
ok
filter -a
type ConnectorFilter
fid fromupstream
cid upstream
ok
mtrouter -a
type StaticMTRoute
filters ours
connector smppc(upstream)
order 10
rate 0.0
ok
mtrouter -a
type DefaultRoute
connector smppc(whimbrel)
rate 0.0
ok
httpccm -a
cid sink
url {sink}/inbound
method GET
ok
morouter -a
type StaticMORoute
filters fromupstream
connector smpps({user})
order 10
ok
morouter -a
type DefaultRoute
connector http(sink)
ok
smppccm -1 whimbrel
smppccm -1 upstream
quit
"""


class Jasmin:
    """All of its processes, on free ports, and what it called."""

    def __init__(self, world: World) -> None:
        self.folder = world.folder / "jasmin"
        self.sink = Sink()
        self.ports = {
            name: free_port()
            for name in (
                "smpp",
                "pb",
                "clients",
                "amqp",
                "redis",
                "http",
                "router",
                "cli",
                "upstream",
                "control",
                "epmd",
                "dist",
            )
        }
        self._processes: list[subprocess.Popen[bytes]] = []
        for name in ("etc/resource", "etc/store", "log", "rabbit", "redis"):
            (self.folder / name).mkdir(parents=True)

    def start(self, errand: Errand) -> None:
        """Everything, one after another."""
        self._start_services()
        self._start_jasmin()
        self._configure(errand)

    def _spawn(self, name: str, command: list[str], **environ: str) -> None:
        output = (self.folder / "log" / f"{name}.out").open("wb")
        self._processes.append(
            subprocess.Popen(
                command,
                cwd=self.folder,
                env=os.environ | environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )

    def _start_services(self) -> None:
        ports = self.ports
        self._spawn(
            "upstream",
            [
                str(Path(sys.executable).parent / "whimbrel"),
                "simulator",
                "--smpp-port",
                str(ports["upstream"]),
                "--http-port",
                str(ports["control"]),
            ],
        )
        self._spawn("redis", ["redis-server", "--port", str(ports["redis"]), "--bind", "127.0.0.1", "--save", ""])
        config = self.folder / "rabbit" / "rabbitmq.conf"
        config.write_text(f"listeners.tcp.local = 127.0.0.1:{ports['amqp']}\n")
        self._spawn("rabbit", ["/usr/lib/rabbitmq/bin/rabbitmq-server"], **self._rabbit())
        for port in ("amqp", "redis", "upstream"):
            _wait(ports[port], 60)

    def _rabbit(self) -> dict[str, str]:
        folder = str(self.folder / "rabbit")
        return {
            "HOME": folder,
            "RABBITMQ_NODENAME": f"interop{self.ports['amqp']}@localhost",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_MNESIA_BASE": folder,
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_DIST_PORT": str(self.ports["dist"]),
            "ERL_EPMD_PORT": str(self.ports["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def _start_jasmin(self) -> None:
        etc = self.folder / "etc"
        (etc / "jasmin.cfg").write_text(_CONFIG.format(**self.ports))
        spec = next(install.JASMIN.glob("lib/*/site-packages/txamqp/specs/standard/amqp0-9-1.stripped.xml"))
        shutil.copy(spec, etc / "resource" / "amqp0-9-1.xml")
        program = self.folder / "jasmind.py"  # its lock file has a place of its own
        text = (install.JASMIN / "bin" / "jasmind.py").read_text()
        program.write_text(re.sub(r'FileLock\("[^"]*/', f'FileLock("{self.folder}/', text))
        environ = {
            "CONFIG_PATH": str(etc),
            "RESOURCE_PATH": str(etc / "resource"),
            "STORE_PATH": str(etc / "store"),
            "LOG_PATH": str(self.folder / "log"),
        }
        python = str(install.JASMIN / "bin" / "python")
        options = ["-c", str(etc / "jasmin.cfg"), "-u", "jcliadmin", "-p", "jclipwd"]
        self._spawn(
            "jasmind",
            [python, str(program), *options, "--enable-dlr-lookup", "--enable-dlr-thrower", "--enable-deliver-thrower"],
            **environ,
        )
        for port in ("http", "cli", "smpp"):
            _wait(self.ports[port], 60)

    def _configure(self, errand: Errand) -> None:
        script = _SCRIPT.format(
            user=_CARRIER_USER,
            password=PASSWORD,
            host=errand.host,
            port=errand.port,
            system_id=errand.system_id,
            upstream=self.ports["upstream"],
            sink=self.sink.url,
        )
        with socket.create_connection(("127.0.0.1", self.ports["cli"])) as line:
            for words in script.splitlines():
                time.sleep(0.25)  # its command line takes one after another, and says nothing that could be waited for
                line.sendall(words.encode() + b"\r\n")
            time.sleep(1)

    def send(self, errand: Errand, to: str, text: str, *, ucs2: bool = False) -> str:
        """A text over its HTTP API; its answer."""
        fields = {
            "username": "sender",
            "password": PASSWORD,
            "from": errand.sender,
            "to": to,
            "dlr": "yes",
            "dlr-level": "2",
            "dlr-method": "GET",
            "dlr-url": f"{self.sink.url}/receipt?phone={to}",
        }
        content = {"coding": "8", "hex-content": text.encode("utf-16-be").hex()} if ucs2 else {"content": text}
        try:
            with urlopen(
                f"http://127.0.0.1:{self.ports['http']}/send?{urlencode(fields | content)}", timeout=10
            ) as got:
                answer: str = got.read().decode()
                return answer
        except HTTPError as error:
            return error.read().decode()

    def delivered(self) -> set[str]:
        """Numbers whose receipt says delivered."""
        told = [fields for path, fields in self.sink.calls if path.startswith("/receipt")]
        return {fields["phone"] for fields in told if "phone" in fields and fields.get("message_status") == "DELIVRD"}

    def texts(self) -> list[str]:
        """Inbound texts."""
        return [fields.get("content", "") for path, fields in self.sink.calls if path == "/inbound"]

    def upstream(self, path: str, body: object = None) -> object:
        """Its own simulator's control."""
        return call("POST" if body else "GET", f"http://127.0.0.1:{self.ports['control']}{path}", body)

    def close(self) -> None:
        """Stop everything, and the port mapper of the broker, which is nobody else's."""
        for process in reversed(self._processes):
            _signal(process, signal.SIGTERM)
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            _signal(process, signal.SIGKILL)
        subprocess.run(["epmd", "-kill"], env=os.environ | self._rabbit(), capture_output=True, check=False)
        self.sink.close()


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """To a process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _wait(port: int, within_s: float) -> None:
    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    if not until(listens, within_s):
        raise TimeoutError(f"nothing listens on {port}")


def run(world: World, customer: Peer, carrier: Peer) -> None:
    """Both roles of one Jasmin."""
    errand = world.errand(customer.name)
    jasmin = Jasmin(world)
    try:
        jasmin.start(errand)
        _as_customer(world, customer, jasmin, errand)
        _as_carrier(world, carrier, jasmin)
    finally:
        jasmin.close()


def _as_customer(world: World, peer: Peer, jasmin: Jasmin, errand: Errand) -> None:
    for name in ("plain", "unicode", "long"):
        to, text = getattr(errand, f"{name}_to"), getattr(errand, name)
        said = jasmin.send(errand, to, text, ucs2=name == "unicode")
        peer.say(name, said.startswith("Success"), said)
    judge(world, peer, errand)
    peer.say("bind_transceiver", not peer.failures)
    phones = {errand.plain_to, errand.unicode_to, errand.long_to}
    told = until(lambda: phones <= jasmin.delivered(), 20)
    peer.say("receipt", bool(told), "" if told else repr(jasmin.sink.calls)[-600:])
    world.text_from_phone(errand)
    heard = until(lambda: errand.inbound in jasmin.texts(), 20)
    peer.say("inbound", bool(heard), "" if heard else repr(jasmin.sink.calls)[-300:])


def _as_carrier(world: World, peer: Peer, jasmin: Jasmin) -> None:
    settings = {"host": "127.0.0.1", "port": jasmin.ports["smpp"], "system_id": _CARRIER_USER}
    made = world.add_carrier("jasmin-carrier", settings, PASSWORD, _PREFIX)
    texts = {
        "plain": "Hello to Jasmin: 1 + 1 = 2.",
        "unicode": "Größe, привет, 短信 \U0001f426",
        "long": " ".join(f"Jasmin hears it a number of times, {place}." for place in range(9)),
    }
    phones = {name: f"{_PREFIX}11111{place}" for place, name in enumerate(texts)}
    ids = {name: world.send(phones[name], text) for name, text in texts.items()}
    for name, text in texts.items():
        there = until(lambda name=name, text=text: _inbox(jasmin, phones[name]) == [text], 30)
        peer.say(name, bool(there), "" if there else f"{world.status(ids[name])}: {_inbox(jasmin, phones[name])!r}")
    peer.say("bind_transceiver", world.health(made) == "up")
    told = until(lambda: {world.status(i) for i in ids.values()} == {"delivered"}, 30)
    peer.say("receipt", bool(told), "" if told else str([world.status(i) for i in ids.values()]))
    inbound = "A text by way of Jasmin."
    body = {"to": world.sender, "text": inbound, "system_id": "upstream"}
    jasmin.upstream(f"/phones/{phones['plain']}/send", body)
    peer.say("inbound", bool(until(lambda: world.received(inbound), 20)))
    world.pause(made)


def _inbox(jasmin: Jasmin, number: str) -> list[str]:
    found = jasmin.upstream(f"/phones/{number}")
    assert isinstance(found, dict)
    return [text["text"] for text in found["inbox"]]
