"""`python -m interop [NAME…]`: all peers, or those of these names or roles (customer, carrier). Exit status 1 when one
failed what it was asked."""

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from interop import carriers, customers, install, kannel, verdict
from interop.verdict import Peer
from interop.world import World

PAGE = install.HERE.parent / "docs" / "interop.md"
Run = Callable[[World, Peer], None]


def peers() -> list[tuple[Peer, Run]]:
    """Everybody, installed, with how they are run."""
    found: list[tuple[Peer, Run]] = []
    for name in ("smpplib", "aiosmpplib", "naz", "smpp34"):
        peer = Peer(name, install.version_of(name), "customer")
        found.append((peer, partial(customers.run, command_of=customers.python_client(name))))
    found.append((Peer("node-smpp", "0.5.1", "customer"), partial(customers.run, command_of=customers.node_client)))
    for name, version, main in (("jsmpp", "3.0.1", "JsmppClient"), ("ch-smpp", "5.0.9", "CloudhopperClient")):
        found.append((Peer(name, version, "customer"), partial(customers.run, command_of=customers.java_client(main))))
    for mode in ("transceiver", "pair"):
        peer = Peer("Kannel" if mode == "transceiver" else "Kannel pair", install.debian_version("kannel"), "customer")
        found.append((peer, partial(kannel.run, mode=mode)))
    servers = (
        ("smpp34", install.version_of("smpp34"), carriers.python_server("smpp34")),
        ("node-smpp", "0.5.1", carriers.node_server),
        ("jsmpp", "3.0.1", carriers.java_server("JsmppServer")),
        ("ch-smpp", "5.0.9", carriers.java_server("CloudhopperServer")),
    )
    for number, (name, version, command) in enumerate(servers, 10):
        found.append((Peer(name, version, "carrier"), partial(carriers.run, command_of=command, number=number)))
    return found


def main(names: list[str]) -> int:
    """Install, run, write."""
    for step in (install.debian, install.python_clients, install.node, install.java):
        step()
    chosen = [(peer, run) for peer, run in peers() if not names or {peer.name, peer.role} & set(names)]
    with tempfile.TemporaryDirectory(prefix="interop-") as folder:
        world = World(Path(folder))
        try:
            for peer, run in chosen:
                _one(world, peer, run)
        finally:
            world.close()
    if not names:
        verdict.write([peer for peer, _ in chosen], PAGE)
    return 1 if any(peer.failures for peer, _ in chosen) else 0


def _one(world: World, peer: Peer, run: Run) -> None:
    try:
        run(world, peer)
    except Exception as error:
        peer.say("unbind", False, f"{type(error).__name__}: {error}")
    for name, found in peer.found.items():
        sys.stdout.write(f"{peer.name:12} {name:18} {'yes' if found.ok else 'NO'}  {found.detail[:160]}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
