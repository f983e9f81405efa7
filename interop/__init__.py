"""Interoperability: software that we did not write binds to the running product as a customer, or is bound to as a
carrier, and does what its users would. `python -m interop` installs the peers into `.interop/`, runs them, and writes
docs/interop.md. The verdict comes from the other side: what the phones of the simulator got, what the peer says that it
got.
"""
