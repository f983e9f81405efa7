"""One file for each way out. A carrier takes parts and tells answers, receipts and inbound texts through callables
handed in by the journey; it never sees the store. Imports `net`, `domain`, `codec`, `base`.
"""
