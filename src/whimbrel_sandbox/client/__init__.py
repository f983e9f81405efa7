"""The simulator as an ESME: a client that loads an SMSC or a gateway with messages, or misuses it, and counts what it
gets. `python -m whimbrel_sandbox esme HOST:PORT …` runs it. It stands on the codec alone, shares nothing with the SMSC
beside it, and speaks to any SMPP server.
"""
