"""SMPP 3.4 as pure bytes: no I/O, no clock, no randomness.

`tables` says what the protocol is, `pdu` turns octets into values and back, `receipt` reads and writes delivery
receipts, `session` holds the conversation for both roles, with `outstanding` and `timers`, and `events` what it
reports. May import
`whimbrel.codec.errors`, msgspec and the standard library's pure parts.
"""
