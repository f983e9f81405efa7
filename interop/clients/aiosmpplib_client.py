"""aiosmpplib: an asyncio client that cuts long texts itself and matches receipts to what it sent."""

import asyncio

from aiosmpplib import ESME, AbstractHook, DeliverSm, PhoneNumber, SubmitSm, SubmitSmResp
from aiosmpplib.state import NPI, TON

from contract import ERRAND, did, failed, waiting


class Seen(AbstractHook):
    """What went over the bind."""

    def __init__(self):
        self.accepted = {}
        self.receipts = {}
        self.texts = []
        self.errors = []

    async def sending(self, smpp_message, pdu, client_id):
        pass

    async def received(self, smpp_message, pdu, client_id):
        if isinstance(smpp_message, SubmitSmResp):
            self.accepted.setdefault(smpp_message.log_id, []).append(smpp_message.command_status)
        elif isinstance(smpp_message, DeliverSm) and smpp_message.is_receipt():
            self.receipts.setdefault(smpp_message.log_id, []).append(smpp_message.short_message)
        elif isinstance(smpp_message, DeliverSm):
            self.texts.append(smpp_message.short_message)

    async def send_error(self, smpp_message, error, client_id):
        self.errors.append(error)


async def until(condition):
    deadline = asyncio.get_running_loop().time() + ERRAND["patience_s"]
    while not condition() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.05)
    return condition()


async def errand():
    seen = Seen()
    esme = ESME(ERRAND["host"], ERRAND["port"], ERRAND["system_id"], ERRAND["password"], hook=seen, log_level=50)
    running = asyncio.create_task(esme.start())
    if not await until(lambda: "BOUND" in esme.session_state.name):
        failed("bind_transceiver", esme.session_state)
        return
    did("bind_transceiver")
    source = PhoneNumber(ERRAND["sender"], TON.INTERNATIONAL, NPI.ISDN)
    for name in ("plain", "unicode", "long"):
        await esme.broker.enqueue(
            SubmitSm(
                short_message=ERRAND[name],
                source=source,
                destination=PhoneNumber(ERRAND[f"{name}_to"], TON.INTERNATIONAL, NPI.ISDN),
                log_id=name,
            )
        )
        ok = await until(lambda name=name: name in seen.accepted)
        (did if ok else failed)(name, str(seen.accepted.get(name) or seen.errors))
    ok = await until(lambda: {"plain", "unicode", "long"} <= seen.receipts.keys())
    (did if ok else failed)("receipt", str(seen.receipts)[:200])
    waiting("inbound")
    ok = await until(lambda: ERRAND["inbound"] in seen.texts)
    (did if ok else failed)("inbound", str(seen.texts))
    await esme.stop()
    running.cancel()
    did("unbind")


asyncio.run(errand())
