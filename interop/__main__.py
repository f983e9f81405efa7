"""`python -m interop [--no-page] [NAME…]`: all peers, or those of these names or roles (customer, carrier). All of them
write docs/interop.md, unless told not to. Exit status 1 when one failed what it was asked."""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from interop import carriers, customers, install, jasmin, kannel, verdict
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


def jasmins() -> tuple[Peer, Peer]:
    """Jasmin in both roles, which one run tries."""
    version = install.version_of("jasmin", install.JASMIN)
    note = "0.11.1 drops every receipt (jookies/jasmin#1236); run with the one name put right, as upstream did later."
    return Peer("Jasmin", version, "customer", note), Peer("Jasmin", version, "carrier")


def main(words: list[str]) -> int:
    """Install, run, write."""
    names = [word for word in words if word != "--no-page"]
    for step in (install.debian, install.python_clients, install.jasmin, install.node, install.java):
        step()
    both = jasmins()
    rows: list[tuple[list[Peer], Callable[[World], None]]] = [([peer], _with(peer, run)) for peer, run in peers()]
    rows.append(([*both], lambda world: jasmin.run(world, *both)))
    chosen = [row for row in rows if not names or set(names) & {row[0][0].name, row[0][0].role}]
    with tempfile.TemporaryDirectory(prefix="interop-") as temporary:
        folder = os.environ.get("INTEROP_FOLDER", temporary)  # where the logs of all of them stay, for a look
        world = World(Path(folder))
        try:
            for run_together, run in chosen:
                _one(run_together, partial(run, world))
        finally:
            world.close()
    ran = [peer for run_together, _ in chosen for peer in run_together]
    if not words:
        verdict.write(ran, PAGE)
    return 1 if any(peer.failures for peer in ran) else 0


def _with(peer: Peer, run: Run) -> Callable[[World], None]:
    return lambda world: run(world, peer)


def _one(peers: Sequence[Peer], run: Callable[[], None]) -> None:
    try:
        run()
    except Exception as error:
        peers[0].say("unbind", False, f"{type(error).__name__}: {error}")
    for peer in peers:
        for name, found in peer.found.items():
            words = f"{peer.name:12} {peer.role:9} {name:18} {'yes' if found.ok else 'NO '} {found.detail[:300]}"
            sys.stdout.write(words.replace("\n", " ") + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
