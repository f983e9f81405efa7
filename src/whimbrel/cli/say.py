"""How the command line speaks when something is wrong: one sentence on stderr that says what to do, and exit code 1, or
2 for what was asked wrongly; a traceback only for what nobody expected.
"""

import functools
import os
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

import typer

from whimbrel.base.errors import WhimbrelError
from whimbrel.cli.running import PortTaken
from whimbrel.cli.sandbox import SimulatorError
from whimbrel.config import ConfigError
from whimbrel.store.errors import StoreError

P = ParamSpec("P")
T = TypeVar("T")
_PIPE_CLOSED = 141  # what a shell reports of a program that SIGPIPE ended


def fail(message: str, *, code: int = 1) -> NoReturn:
    """End with a sentence."""
    typer.secho(f"whimbrel: {message}", err=True, fg=typer.colors.RED if sys.stderr.isatty() else None)
    raise typer.Exit(code)


def guarded(command: Callable[P, T]) -> Callable[P, T]:
    """Turn the errors that we know into sentences."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except (ConfigError, PortTaken) as error:
            fail(str(error), code=2)
        except SimulatorError as error:
            fail(f"the simulator did not start: {error}")
        except StoreError as error:
            fail(str(error))
        except WhimbrelError as error:
            fail(words(error))
        except BrokenPipeError:
            _end_quietly()
        except OSError as error:
            fail(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))

    return wrapper


def words(error: WhimbrelError) -> str:
    """A refusal with its fields and what to do."""
    fields = "".join(f"\n  {each.pointer}: {each.detail}" for each in error.errors)
    return f"{error.code}: {error.detail}{fields or ' ' + error.spec.advice}"


def _end_quietly() -> NoReturn:
    """Whoever read our output (`head`) has seen enough. What is still buffered must not fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(_PIPE_CLOSED)
