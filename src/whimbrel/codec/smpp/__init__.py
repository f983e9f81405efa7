"""SMPP 3.3, 3.4 and 5.0 as pure bytes: no I/O, no clock, no randomness.

`tables` and `statuses` say what the protocol is, `pdu` turns octets into values and back, `receipt` reads and writes
delivery receipts, `times` the times in a PDU. `session` holds the conversation for both roles: what its owner asks,
and, in `conversation`, what the peer's PDUs do, with `outstanding`, `timers` and `versions`; `events` is what it
reports. `names` are TLVs as people write them, `describe` and `masks` a PDU as people may read it. May import the text
codecs of `whimbrel.codec`, msgspec and the standard library's pure parts.
"""
