"""Products: what stands on the journey. They send by `journey` and by no other way, react to the event log by durable
cursors, and run their duties where a lease is held.
"""
