"""The REST door: `/v1`. A file a resource; each holds its operations, `table.py` has them all, and `hot.py` the two
routes whose microseconds count. May import edges/shared, journey, manage, products, store.interface.
"""
