"""What the store process and the others say to each other over a Unix socket: frames (`frames.py`) of an array in
msgpack. Verbs of the store go by name, with arguments and results of the types that they are annotated with, so a new
verb needs nothing here.
"""

import importlib
import pkgutil
from collections.abc import Callable, Generator, Mapping
from functools import lru_cache
from types import ModuleType
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgspec

from whimbrel.store import reads, verbs
from whimbrel.store.script import Script
from whimbrel.store.sqlite.frames import framed

_PACKAGE: Final = f"{verbs.__name__}."
_MODULES: Final[Mapping[str, ModuleType]] = {
    found.name: importlib.import_module(_PACKAGE + found.name) for found in pkgutil.iter_modules(verbs.__path__)
}
RUN_SHIFT: Final = 30
NOTHING: Final = "nothing"
"""The verb that shows that the writer answers."""

encode = msgspec.msgpack.Encoder().encode


class Call(msgspec.Struct, array_like=True, tag="call", frozen=True, gc=False):
    """A write. `number` counts a session's calls; `slot` is free again once the answer is there; `again`: sent once
    before, over a connection that was lost."""

    number: int
    slot: int
    again: bool
    verb: str
    args: msgspec.Raw


class Hello(msgspec.Struct, array_like=True, tag="hello", frozen=True, gc=False):
    """The first frame of a connection. A session is one life of one process, over all its connections; see
    `session_of`."""

    session: int


class Will(msgspec.Struct, array_like=True, tag="will", frozen=True, gc=False):
    """A write for the moment at which this process is gone, however that comes about."""

    verb: str
    args: msgspec.Raw


class Signal(msgspec.Struct, array_like=True, tag="signal", frozen=True, gc=False):
    """Something for all other processes, in either direction."""

    topic: str
    detail: str


class Done(msgspec.Struct, array_like=True, tag="done", frozen=True, gc=False):
    """A call's result; what it wrote is durable."""

    number: int
    result: msgspec.Raw


class Failed(msgspec.Struct, array_like=True, tag="failed", frozen=True, gc=False):
    """A call wrote nothing. `kind`: a class of `store.errors`, or another one's name."""

    number: int
    kind: str
    message: str


read_by_server = msgspec.msgpack.Decoder(Call | Hello | Will | Signal).decode
read_by_client = msgspec.msgpack.Decoder(Done | Failed | Signal).decode


def session_of(run: int, number: int) -> int:
    """The session of the process that was started as number so much in a run: one life of all processes together. A
    run has 32 bits."""
    return run << RUN_SHIFT | number


def frame(said: msgspec.Struct) -> bytes:
    """The octets of one frame."""
    return framed(encode(said))


class Verb(msgspec.Struct, frozen=True):
    """A verb and how its values are read."""

    script: Callable[..., Script[Any]]
    args: Callable[[bytes | msgspec.Raw], tuple[Any, ...]]
    result: Callable[[bytes | msgspec.Raw], Any]


def name_of(script: Callable[..., Script[Any]]) -> str:
    """`claim.claim` for the verb of that name in `store/verbs/claim.py`."""
    if script is reads.nothing:
        return NOTHING
    module: str = script.__module__
    return f"{module.removeprefix(_PACKAGE)}.{script.__name__}"


@lru_cache(maxsize=256)
def verb(name: str) -> Verb:
    """The verb of a name. LookupError when there is none: the two processes are of different versions."""
    module, _, function = name.partition(".")
    script = reads.nothing if name == NOTHING else getattr(_MODULES.get(module), function, None)
    hints = get_type_hints(script) if callable(script) else {}
    if script is None or get_origin(hints.get("return")) is not Generator:
        raise LookupError(f"the store has no verb {name}")
    _, _, result = get_args(hints.pop("return"))
    args: Any = tuple.__class_getitem__(tuple(hints.values()))
    return Verb(script, msgspec.msgpack.Decoder(args).decode, msgspec.msgpack.Decoder(result).decode)
