"""The journey of a message, a file a step: accept (screen, price, route), worker, submit, receipt, inbound, notify,
cancel, sweep; `tables.py` holds the snapshots that they decide on. Each step loads, decides (in `domain`), records.
"""
