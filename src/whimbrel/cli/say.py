"""How the command line speaks when something is wrong: one sentence on stderr that says what to do, and exit code 1 or
2; a traceback only for what nobody expected.
"""

import functools
import sys
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

import typer

from whimbrel.base.errors import WhimbrelError
from whimbrel.cli.sandbox import SimulatorError
from whimbrel.config import ConfigError
from whimbrel.store.errors import StoreError

P = ParamSpec("P")
T = TypeVar("T")


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
        except ConfigError as error:
            fail(str(error), code=2)
        except SimulatorError as error:
            fail(f"the simulator did not start: {error}")
        except StoreError as error:
            fail(str(error))
        except WhimbrelError as error:
            fail(f"{error.detail} {error.spec.advice}")
        except OSError as error:
            fail(str(error))

    return wrapper
