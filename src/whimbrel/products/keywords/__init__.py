"""Keywords of accounts: kept by `keeping`, answered by `answering`, which follows the event log. Stands on the journey
and on contacts.
"""
