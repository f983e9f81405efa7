"""Our SMPP server against smpplib (PyPI), an ESME that is not ours: one thread, one socket, texts cut by itself."""

import asyncio
from pathlib import Path

import pytest
import smpplib.client
import smpplib.consts
import smpplib.gsm

from tests.edges.edge_rig import until
from tests.edges.smpp.customer import PASSWORD, SYSTEM_ID, TO, Door, running_door

PATIENCE_S = 60.0


class Customer:
    """One bind, in a thread of its own."""

    def __init__(self, port: int) -> None:
        self.ids: list[str] = []
        self.states: dict[str, int] = {}
        self.client = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True, timeout=PATIENCE_S)
        self.client.set_message_sent_handler(lambda pdu, **_: self.ids.append(pdu.message_id.decode()))
        self.client.set_message_received_handler(self._received)

    def _received(self, pdu, **_):
        self.states[pdu.receipted_message_id.decode().rstrip("\0")] = pdu.message_state
        return 0

    def send(self, text: str) -> list[str]:
        """Send, and read until every part has its id and its receipt."""
        self.client.connect()
        self.client.bind_transceiver(system_id=SYSTEM_ID, password=PASSWORD)
        parts, coding, esm_class = smpplib.gsm.make_parts(text)
        for part in parts:
            self.client.send_message(
                source_addr_ton=1, source_addr="12025550100", dest_addr_ton=1, dest_addr_npi=1, destination_addr=TO,
                short_message=part, data_coding=coding, esm_class=esm_class, registered_delivery=1,
            )  # fmt: skip
        while len(self.states) < len(parts):
            self.client.read_once()
        self.client.unbind()
        self.client.disconnect()
        return self.ids


@pytest.mark.parametrize(
    "text",
    ["Hello from smpplib", "[Preis] 5 €", "Привет 😀", "0123456789 " * 40, "Привет, как дела? " * 12],
)
async def test_texts_arrive_as_they_were_written_and_receipts_name_their_ids(tmp_path: Path, text: str):
    async with running_door(tmp_path) as door:
        customer = Customer(door.port)
        ids = await asyncio.wait_for(asyncio.to_thread(customer.send, text), 3 * PATIENCE_S)
        assert ids and customer.states == dict.fromkeys(ids, smpplib.consts.SMPP_MESSAGE_STATE_DELIVERED)
        await until(lambda: _shown(door) == [text])


def _shown(door: Door) -> list[str]:
    return [each.text for each in door.edge.simulator.network.phones.read(TO)]
