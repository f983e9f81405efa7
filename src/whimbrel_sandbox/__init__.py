"""The sandbox simulator: an SMSC with virtual phones, in a process of its own, spoken to over TCP like any other.

It plays each outcome that a carrier can cause (`outcomes.py`), keeps its own log of what it saw (`log.py`) and is
steered over HTTP (`control.py`). It imports `whimbrel.base` and `whimbrel.codec` only, so that the product cannot
reach into its own oracle.
"""
