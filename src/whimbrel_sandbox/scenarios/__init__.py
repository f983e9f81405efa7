"""The named scenarios: what an SMSC does wrong, or otherwise than most, each as one row of a table.

A row changes the conduct of links (`conduct.py`) or the outcome of messages (`outcome.py` above), or both; `table.py`
joins the rows of the other files, finds them by name and merges those that are asked for together. Imports the types
that the rows are made of, and nothing that plays them.
"""
