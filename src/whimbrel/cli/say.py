"""How the command line speaks when something is wrong: one sentence on stderr that says what to do, and exit code 1, or
2 for what was asked wrongly; a traceback only for what nobody expected. With `--json` it is a JSON object in place of
the sentence: the problem document of the API when the API refused, otherwise `code` and `detail`.
"""

import functools
import os
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

import msgspec
import typer

from whimbrel.base.errors import WhimbrelError
from whimbrel.cli.errors import PortTaken, SimulatorError
from whimbrel.config import ConfigError
from whimbrel.store.errors import StoreError

P = ParamSpec("P")
T = TypeVar("T")
_ASKED_WRONGLY = 2
_PIPE_CLOSED = 141  # what a shell reports of a program that SIGPIPE ended


class Failed(Exception):
    """Ends the command. `document`: the same in JSON."""

    def __init__(self, message: str, *, exit_code: int, document: bytes) -> None:
        self.exit_code = exit_code
        self.document = document
        super().__init__(message)


def fail(message: str, *, code: int = 1, name: str = "", document: bytes = b"") -> NoReturn:
    """End with a sentence; in JSON with `document`, or with `name` as the code."""
    name = name or ("asked_wrongly" if code == _ASKED_WRONGLY else "failed")
    document = document or msgspec.json.encode({"code": name, "detail": message})
    raise Failed(message, exit_code=code, document=document)


def warn(message: str) -> None:
    """What does not stop the command."""
    typer.secho(f"whimbrel: {message}", err=True, fg=typer.colors.YELLOW if sys.stderr.isatty() else None)


def guarded(command: Callable[P, T]) -> Callable[P, T]:
    """Turn the errors that we know into sentences, or into JSON where the command has `as_json`."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return _known(command, *args, **kwargs)
        except Failed as failed:
            if kwargs.get("as_json"):
                typer.echo(failed.document.decode(), err=True)
            else:
                typer.secho(f"whimbrel: {failed}", err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)
            raise typer.Exit(failed.exit_code) from None

    return wrapper


def _known(command: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return command(*args, **kwargs)
    except (ConfigError, PortTaken) as error:
        fail(str(error), code=2)
    except SimulatorError as error:
        fail(f"the simulator did not start: {error}")
    except StoreError as error:
        fail(str(error))
    except WhimbrelError as error:
        fail(words(error), name=error.code)
    except BrokenPipeError:
        _end_quietly()
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))


def words(error: WhimbrelError) -> str:
    """A refusal with its fields and what to do."""
    fields = "".join(f"\n  {each.pointer}: {each.detail}" for each in error.errors)
    return f"{error.code}: {error.detail}{fields or ' ' + error.spec.advice}"


def _end_quietly() -> NoReturn:
    """Whoever read our output (`head`) has seen enough. What is still buffered must not fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(_PIPE_CLOSED)
