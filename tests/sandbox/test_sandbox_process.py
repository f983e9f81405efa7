"""The simulator as a process: its first line, a clean stop, a killed client, and a smoke test of its speed."""

import asyncio
import json
import signal
import sys
from contextlib import asynccontextmanager

from sandbox_esme import Esme, eventually

from whimbrel.codec.smpp.tables import UNBIND
from whimbrel_sandbox.log import ReceiptAnswered, Submitted, Unbound, read_log

COUNT = 5_000
WINDOW = 200


@asynccontextmanager
async def process(*options):
    """A simulator with free ports; killed at the end if it still runs."""
    command = [sys.executable, "-m", "whimbrel_sandbox", "--smpp-port", "0", "--http-port", "0", *options]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(180):
            yield child, json.loads(await child.stdout.readline())
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def test_sigterm_unbinds_the_clients_and_leaves_the_log_whole(tmp_path):
    path = tmp_path / "log.jsonl"
    async with process("--log", str(path)) as (child, address):
        client = await Esme.bound(address["smpp_port"])
        await client.submitted("447700900123")
        await client.receipts(1)
        child.send_signal(signal.SIGTERM)
        await client.closed()
        assert await child.wait() == 0
        assert any(pdu.command_id == UNBIND for pdu in client.received)
        await client.leave()
    kinds = [type(event) for event in read_log(path)]
    assert Submitted in kinds and kinds[-1] is Unbound


async def test_a_wrong_option_and_a_taken_port_end_with_words():
    async with process() as (_, address):
        for options, status, words in (
            (["--speed", "9"], 2, b"--speed is not an option"),
            (["--smpp-port", str(address["smpp_port"])], 1, b"cannot listen"),
        ):
            command = [sys.executable, "-m", "whimbrel_sandbox", *options]
            child = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
            _, said = await child.communicate()
            assert (child.returncode, words in said) == (status, True), said


async def test_a_killed_client_is_survived_and_its_receipts_go_to_the_next(start, connect):
    script = (
        "import socket, sys, time\n"
        "from whimbrel.codec.smpp.pdu import *\n"
        "from whimbrel.codec.smpp.tables import *\n"
        "link = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        "submit = ShortMessage(source='Shop', dest='447700900123', registered_delivery=1, short_message=b'x')\n"
        "link.sendall(encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind('esme', ''))))\n"
        "link.sendall(b''.join(encode(Pdu(SUBMIT_SM, 0, n, submit)) for n in range(2, 102)))\n"
        "sys.stdout.buffer.write(link.recv(1)); sys.stdout.flush(); time.sleep(60)\n"
    )
    simulator = await start()
    port = str(simulator.address.smpp_port)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", script, port, stdout=asyncio.subprocess.PIPE)
    await child.stdout.readexactly(1)
    await eventually(lambda: simulator.center.counts.receipts_sent >= 100)
    child.kill()
    await child.wait()
    await eventually(lambda: not simulator.center.links)
    client = await connect(simulator)
    assert len({receipt.message_ids for receipt in await client.receipts(100)}) == 100


async def test_thousands_of_messages_with_latency_lose_and_repeat_nothing(start, connect):
    simulator = await start(response_latency_ms=2, receipt_delay_ms=3, receipt_jitter_ms=5)
    client = await connect(simulator)
    async with asyncio.timeout(300):
        for start_at in range(0, COUNT, WINDOW):
            for number in range(start_at, start_at + WINDOW):
                client.submit(f"4477{number:08}")
            await client.response(client.sequence)
        receipts = await client.receipts(COUNT)
    submitted = [event for event in simulator.center.log.after(0, 10 * COUNT)[1] if isinstance(event, Submitted)]
    accepted = {event.message_id: event.dest for event in submitted}
    assert len(accepted) == len(submitted) == COUNT
    assert {receipt.message_ids[0] for receipt in receipts} == set(accepted) and len(receipts) == COUNT
    assert len(set(accepted.values())) == COUNT
    await eventually(lambda: simulator.center.counts.receipts_answered == COUNT)
    answered = [event for event in simulator.center.log.after(0, 10 * COUNT)[1] if isinstance(event, ReceiptAnswered)]
    assert len(answered) == COUNT
