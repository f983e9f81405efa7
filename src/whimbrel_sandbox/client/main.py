"""`python -m whimbrel_sandbox esme HOST:PORT …`: reads the command line, runs, prints, and ends with a status."""

import asyncio
import sys

import msgspec
import uvloop

from whimbrel.base.clock import SystemClock
from whimbrel.codec.errors import CodecError
from whimbrel_sandbox.client.manner import GOOD
from whimbrel_sandbox.client.messages import Messages
from whimbrel_sandbox.client.misuse import BY_NAME, misuse
from whimbrel_sandbox.client.run import Run
from whimbrel_sandbox.client.settings import Settings, from_arguments, usage
from whimbrel_sandbox.client.tally import Summary, unexpected, words

_HELP = frozenset({"-h", "--help"})
AS_EXPECTED, NOT_AS_EXPECTED, WRONG_OPTION, NOBODY_THERE = 0, 1, 2, 3


async def run(settings: Settings) -> Summary:
    """One run, from the first connection to the last. Raises ValueError for a scenario that is none, CodecError for a
    message that no PDU can carry, OSError for certificates that are none."""
    row = None
    if settings.scenario is not None:
        row = BY_NAME.get(settings.scenario)
        if row is None:
            raise ValueError(f"{settings.scenario} is no scenario; there are {', '.join(BY_NAME)}")
    Messages(settings).next()  # what no PDU can carry is found before anybody is called
    going = Run(settings, GOOD if row is None else row.manner, clock=SystemClock())
    try:
        async with asyncio.timeout(settings.seconds):
            if row is not None:
                await misuse(going, row)
            else:
                await going.bind_all()
                await going.load()
                await going.leave()
    except TimeoutError:
        if row is not None:
            going.abort()
            await going.probe()
    finally:
        await going.gone()
    return going.tally.summary()


def main(arguments: list[str], program: str) -> int:
    """Run; `program` is what was typed to get here."""
    if not _HELP.isdisjoint(arguments):
        sys.stdout.write(usage(program))
        return AS_EXPECTED
    try:
        settings = from_arguments(arguments)
        summary = uvloop.run(run(settings))
        wrong = unexpected(summary, settings.expect)
    except (ValueError, CodecError) as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_OPTION
    except OSError as error:
        sys.stderr.write(f"cannot connect: {error}\n")
        return NOBODY_THERE
    sys.stdout.write(msgspec.json.encode(summary).decode() + "\n" if settings.json else words(summary))
    for each in wrong:
        sys.stderr.write(f"not as expected: {each}\n")
    if not summary.binds and not summary.alive and settings.expect is None:
        return NOBODY_THERE
    return NOT_AS_EXPECTED if wrong else AS_EXPECTED
