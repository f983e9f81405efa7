"""Peers as customers that are one program: started with an errand, watched by its lines, judged by the phones."""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from interop import install
from interop.verdict import Peer
from interop.world import Errand, World, until

CLIENTS = install.HERE / "clients"
_RUN_S = 150


def python_program(program: str) -> list[str]:
    """How to start a program of PyPI's peers."""
    return [str(install.PYTHON / "bin" / "python"), str(CLIENTS / program)]


def python_client(name: str) -> Callable[[Errand], list[str]]:
    """How to start one of the clients of PyPI."""
    return lambda errand: [*python_program(f"{name}_client.py"), _json(errand)]


def node_client(errand: Errand) -> list[str]:
    """How to start the client of npm."""
    return ["node", str(CLIENTS / "smpp_client.js"), _json(errand), str(install.NODE / "node_modules")]


def java_client(main: str) -> Callable[[Errand], list[str]]:
    """How to start one of the clients of Maven Central."""
    classes = f"{install.JAVA / 'target' / 'interop-1.jar'}:{install.JAVA / 'target' / 'lib'}/*"

    def command(errand: Errand) -> list[str]:
        fields = msgspec.structs.asdict(errand)
        words = [f"{name}={','.join(value) if isinstance(value, tuple) else value}" for name, value in fields.items()]
        return ["java", "-Dfile.encoding=UTF-8", "-cp", classes, main, *words]

    return command


def run(world: World, peer: Peer, command_of: Callable[[Errand], Sequence[str]]) -> None:
    """Let a client do its errand; what it says, and what the phones say, goes into the peer."""
    errand = world.errand(peer.name)
    log = world.folder / f"{peer.name}.log"
    environ = os.environ | {"PYTHONPATH": str(CLIENTS), "PYTHONWARNINGS": "ignore"}
    with (
        log.open("w") as errors,
        subprocess.Popen(
            list(command_of(errand)), stdout=subprocess.PIPE, stderr=errors, text=True, env=environ
        ) as process,
    ):
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if peer.read(line) == "inbound":
                    world.text_from_phone(errand)
            process.wait(_RUN_S)
        finally:
            process.kill()
    done = peer.found.get("unbind")
    if process.returncode < 0 and done is not None and done.ok:
        # its last word was spoken: what its interpreter does with a native extension afterwards is its own matter
        done.detail = f"then ended by signal {-process.returncode}"
    elif process.returncode:
        peer.say("unbind", False, f"exit status {process.returncode}: {_tail(log)}")
    judge(world, peer, errand)


def judge(world: World, peer: Peer, errand: Errand) -> None:
    """What the client claims to have sent must be on the phones, once and as it was written."""
    for name in ("plain", "unicode", "long"):
        if peer.found.get(name):
            wanted = [getattr(errand, name)]
            phone = getattr(errand, f"{name}_to")
            ok = until(lambda wanted=wanted, phone=phone: world.inbox(phone) == wanted, 10)
            peer.say(name, bool(ok), "" if ok else f"the phone shows {world.inbox(phone)!r}")
    if peer.found.get("submit_multi"):
        ok = until(lambda: all(world.inbox(phone) == [errand.multi] for phone in errand.multi_to), 10)
        peer.say("submit_multi", bool(ok), "" if ok else "not on every phone")


def _json(errand: Errand) -> str:
    return json.dumps(msgspec.structs.asdict(errand))


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-300:]
