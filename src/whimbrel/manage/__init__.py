"""What operators and accounts configure: accounts, keys, senders, carriers, routes, prices, balance, opt-outs, webhooks.
Each function checks, writes through the store (with an audit entry in the same commit) and refreshes the tables.
"""
