"""smpplib, the oldest SMPP client of Python: one thread, one socket."""

import time

import smpplib.client
import smpplib.consts
import smpplib.gsm

from contract import ERRAND, did, failed, waiting

PHONE_TON_NPI = {"dest_addr_ton": 1, "dest_addr_npi": 1}
SENDER = {"source_addr_ton": 1, "source_addr_npi": 1, "source_addr": ERRAND["sender"]}


class Customer:
    """One bind and what came over it."""

    def __init__(self) -> None:
        self.ids: dict[int, str] = {}
        self.receipts: list[bytes] = []
        self.texts: list[tuple[bytes, int]] = []
        self.states: list[int] = []
        self.client = smpplib.client.Client(ERRAND["host"], ERRAND["port"], allow_unknown_opt_params=True, timeout=1)
        self.client.set_message_sent_handler(self.sent)
        self.client.set_message_received_handler(self.received)
        self.client.set_query_resp_handler(lambda pdu, **_: self.states.append(pdu.message_state))

    def sent(self, pdu, **_):
        self.ids[pdu.sequence] = pdu.message_id.decode()

    def received(self, pdu, **_):
        if pdu.esm_class & 0x04:
            self.receipts.append(pdu.short_message)
        else:
            self.texts.append((pdu.short_message, pdu.data_coding))
        return 0

    def send(self, to, text):
        parts, coding, esm = smpplib.gsm.make_parts(text)
        return [
            self.client.send_message(
                **SENDER,
                **PHONE_TON_NPI,
                destination_addr=to,
                short_message=part,
                data_coding=coding,
                esm_class=esm,
                registered_delivery=True,
            ).sequence
            for part in parts
        ]

    def until(self, condition):
        deadline = time.monotonic() + ERRAND["patience_s"]
        while not condition() and time.monotonic() < deadline:
            try:
                self.client.read_once(auto_send_enquire_link=False)
            except TimeoutError:
                pass
        return condition()


def errand(customer):
    customer.client.connect()
    customer.client.bind_transceiver(system_id=ERRAND["system_id"], password=ERRAND["password"])
    did("bind_transceiver")
    for name in ("plain", "unicode", "long"):
        wanted = customer.send(ERRAND[f"{name}_to"], ERRAND[name])
        if customer.until(lambda wanted=wanted: all(sequence in customer.ids for sequence in wanted)):
            did(name, f"{len(wanted)} submit_sm")
        else:
            failed(name, customer.ids)
    ids = set(customer.ids.values())
    if customer.until(lambda: ids <= {found for found in ids if any(found.encode() in r for r in customer.receipts)}):
        did("receipt", customer.receipts[0].decode("latin-1")[:60])
    else:
        failed("receipt", customer.receipts)
    waiting("inbound")
    if customer.until(lambda: any(ERRAND["inbound"].encode() == text for text, _ in customer.texts)):
        did("inbound")
    else:
        failed("inbound", customer.texts)
    first = customer.ids[min(customer.ids)]
    customer.client.query_message(message_id=first, source_addr_ton=1, source_addr_npi=1, source_addr=ERRAND["sender"])
    if customer.until(lambda: customer.states):
        did("query_sm", f"message_state {customer.states[0]}")
    else:
        failed("query_sm", "no answer")
    customer.client.send_pdu(smpplib.smpp.make_pdu("enquire_link", client=customer.client))
    if customer.client.read_pdu().command == "enquire_link_resp":
        did("enquire_link")
    customer.client.unbind()
    did("unbind")
    customer.client.disconnect()


errand(Customer())
