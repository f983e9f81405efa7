"""naz: an asyncio client with hooks. It sends one submit_sm a text and leaves receipts and texts to the hook."""

import asyncio
import logging

import naz

from contract import ERRAND, did, failed, waiting

_HEADER = 16


class Seen(naz.hooks.BaseHook):
    """What went over the bind."""

    def __init__(self):
        self.accepted = {}
        self.bound = False
        self.delivered = []

    async def to_smsc(self, smpp_command, log_id, hook_metadata, pdu):
        pass

    async def from_smsc(self, smpp_command, log_id, hook_metadata, status, pdu):
        if smpp_command == naz.SmppCommand.BIND_TRANSCEIVER_RESP:
            self.bound = status.value == 0
        elif smpp_command == naz.SmppCommand.SUBMIT_SM_RESP:
            self.accepted[log_id] = (status.value, pdu[_HEADER:].rstrip(b"\0"))
        elif smpp_command == naz.SmppCommand.DELIVER_SM:
            self.delivered.append(pdu)


async def until(condition):
    deadline = asyncio.get_running_loop().time() + ERRAND["patience_s"]
    while not condition() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.05)
    return condition()


def submit(name):
    return naz.protocol.SubmitSM(
        short_message=ERRAND[name],
        source_addr=ERRAND["sender"],
        destination_addr=ERRAND[f"{name}_to"],
        log_id=name,
        encoding="ucs2" if name == "unicode" else "gsm0338",
    )


async def errand():
    seen = Seen()
    quiet = logging.getLogger("naz")
    quiet.setLevel(logging.CRITICAL)
    client = naz.Client(
        smsc_host=ERRAND["host"],
        smsc_port=ERRAND["port"],
        system_id=ERRAND["system_id"],
        password=ERRAND["password"],
        broker=naz.broker.SimpleBroker(maxsize=100),
        hook=seen,
        logger=quiet,
        drain_duration=0.5,
    )
    await client.connect()
    await client.tranceiver_bind()
    tasks = [asyncio.create_task(work) for work in (client.dequeue_messages(), client.receive_data())]
    ok = await until(lambda: seen.bound)
    (did if ok else failed)("bind_transceiver", "")
    for name in ("plain", "unicode"):
        await client.send_message(submit(name))
        ok = await until(lambda name=name: seen.accepted.get(name, (1,))[0] == 0)
        (did if ok else failed)(name, str(seen.accepted.get(name)))
    ids = [message_id for status, message_id in seen.accepted.values() if not status]
    ok = await until(lambda: all(any(i in pdu and b"stat:DELIVRD" in pdu for pdu in seen.delivered) for i in ids))
    (did if ok else failed)("receipt", str(seen.delivered)[:200])
    waiting("inbound")
    ok = await until(lambda: any(ERRAND["inbound"].encode() in pdu for pdu in seen.delivered))
    (did if ok else failed)("inbound", str(seen.delivered)[-200:])
    await client.shutdown()
    did("unbind")
    for task in tasks:
        task.cancel()


asyncio.run(errand())
