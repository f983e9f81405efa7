"""One program for each peer, run by the peer's own interpreter: the errand comes as JSON in the first argument, what
was done goes out as JSON lines. They import nothing of ours but `contract`.
"""
