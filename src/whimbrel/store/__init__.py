"""One database is the whole state. `interface.py` is what the rest of the product sees; `verbs/` holds each hot verb as
a transaction script, written once; `sql/` holds every statement by name; `sqlite.py` runs scripts on apsw. A second
dialect is a second executor, not a second store. Imports `domain`, `codec`, `base`.
"""
