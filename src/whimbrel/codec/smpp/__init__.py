"""SMPP 3.4 as pure bytes: tables, PDUs, receipts and the session machine for both roles. No I/O, no clock."""
