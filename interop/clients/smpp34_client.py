"""smpp34: the protocol in Rust, the application in Python. It writes octets as they are given."""

import asyncio

import smpp34

from contract import ERRAND, did, failed, waiting

UDHI = 0x40
PART = 134


def parts(name):
    """esm_class, data_coding and octets of each submit_sm."""
    text = ERRAND[name]
    if name != "unicode":
        octets, coding = text.encode("ascii"), 0
    else:
        octets, coding = text.encode("utf-16-be"), 8
    if len(octets) <= 140:
        return [(0, coding, octets)]
    cuts = [octets[start : start + PART] for start in range(0, len(octets), PART)]
    return [(UDHI, coding, bytes((5, 0, 3, 77, len(cuts), n)) + cut) for n, cut in enumerate(cuts, 1)]


class Customer:
    """One bind and what came over it."""

    def __init__(self, smsc):
        self.smsc = smsc
        self.delivered = []
        self.reading = asyncio.create_task(self.read())

    async def read(self):
        while isinstance(event := await self.smsc.next(), smpp34.DeliverSmEvent):
            self.delivered.append(event)

    async def submit(self, name):
        return [
            await self.smsc.submit_sm(
                ERRAND[f"{name}_to"],
                octets,
                source_addr=ERRAND["sender"],
                source_addr_ton=1,
                source_addr_npi=1,
                dest_addr_ton=1,
                dest_addr_npi=1,
                esm_class=esm,
                data_coding=coding,
                registered_delivery=1,
            )
            for esm, coding, octets in parts(name)
        ]

    def has_receipt(self, message_id):
        return any(e.esm_class & 4 and message_id.encode() in bytes(e.short_message) for e in self.delivered)

    def has_text(self, text):
        return any(not e.esm_class & 4 and bytes(e.short_message) == text.encode() for e in self.delivered)


async def until(condition):
    deadline = asyncio.get_running_loop().time() + ERRAND["patience_s"]
    while not condition() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.05)
    return condition()


async def errand():
    client = smpp34.Client(ERRAND["host"], ERRAND["port"], ERRAND["system_id"], ERRAND["password"])
    customer = Customer(await client.connect())
    did("bind_transceiver")
    ids = []
    for name in ("plain", "unicode", "long"):
        answers = await customer.submit(name)
        ids += [answer.message_id for answer in answers]
        (did if all(answer.is_success for answer in answers) else failed)(name, f"{len(answers)} submit_sm")
    ok = await until(lambda: all(map(customer.has_receipt, ids)))
    (did if ok else failed)("receipt", f"{len(customer.delivered)} deliver_sm")
    waiting("inbound")
    ok = await until(lambda: customer.has_text(ERRAND["inbound"]))
    (did if ok else failed)("inbound", "")
    await customer.smsc.unbind()
    did("unbind")
    await client.stop()
    customer.reading.cancel()


asyncio.run(errand())
