"""`python -m whimbrel_sandbox --smpp-port 2776 …`: a simulator as a process. Its first line on stdout is its address
as JSON; the options are the settings of `settings.py`. `python -m whimbrel_sandbox esme HOST:PORT …` is the client.
"""

import gc
import sys

import msgspec
import uvloop

from whimbrel_sandbox.client import main as client
from whimbrel_sandbox.serve import Address, serve
from whimbrel_sandbox.settings import from_arguments
from whimbrel_sandbox.usage import usage

_GC_THRESHOLD = 50_000  # objects: no cycles are made per message, so looking for them often is waste
_CLIENT = "esme"
_HELP = frozenset({"-h", "--help"})


def _announce(address: Address) -> None:
    sys.stdout.write(msgspec.json.encode(address).decode() + "\n")
    sys.stdout.flush()


def main(arguments: list[str], program: str = "python -m whimbrel_sandbox") -> int:
    """Run until a signal; 2 for a wrong option, 1 for a port that is taken. `program`: what was typed to get here."""
    if arguments[:1] == [_CLIENT]:
        return client.main(arguments[1:], f"{program} {_CLIENT}")
    if not _HELP.isdisjoint(arguments):
        sys.stdout.write(usage(program))
        return 0
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    try:
        uvloop.run(serve(from_arguments(arguments), _announce))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"cannot listen: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
