"""smpp34 as a carrier: it takes texts, says what it read, reports them as delivered, and passes on one text."""

import asyncio
import json

import smpp34

from contract import ERRAND, did

_UDHI = 0x40
_STAMP = "2601010000"


def text_of(event):
    octets = bytes(event.short_message)
    part = 1
    if event.esm_class & _UDHI:
        header, octets = octets[1 : octets[0] + 1], octets[octets[0] + 1 :]
        part = header[-1]
    return (octets.decode("utf-16-be") if event.data_coding == 8 else octets.decode("latin-1")), part


async def serve():
    server = smpp34.Server("127.0.0.1", ERRAND["port"], system_id="smpp34")
    await server.start()
    print(json.dumps({"ready": True}), flush=True)
    sessions, count, told = {}, 0, set()
    while True:
        event = await server.next()
        if isinstance(event, smpp34.Esme):
            sessions[event.session_id] = event
            did("bind_transceiver")
        elif isinstance(event, smpp34.SubmitSmEvent):
            count += 1
            message_id = f"{count:08X}"
            event.accept(message_id)
            text, part = text_of(event)
            print(json.dumps({"read": {"to": event.destination_addr, "text": text, "part": part}}), flush=True)
            task = asyncio.create_task(report(sessions[event.session_id], event, message_id))
            told.add(task)
            task.add_done_callback(told.discard)
        else:
            did("unbind")


async def report(esme, event, message_id):
    words = f"id:{message_id} sub:001 dlvrd:001 submit date:{_STAMP} done date:{_STAMP} stat:DELIVRD err:000 text:"
    addresses = {"source_addr": event.destination_addr, "source_addr_ton": 1, "source_addr_npi": 1}
    await esme.deliver_sm(event.source_addr, words.encode(), esm_class=4, **addresses)
    if event.destination_addr == ERRAND["plain_to"]:
        await esme.deliver_sm(ERRAND["sender"], ERRAND["inbound"].encode(), **addresses)


asyncio.run(serve())
