"""Three nodes on one PostgreSQL, three carriers, a steady load, and a storm over the nodes: they are killed, stopped,
frozen, started and upgraded at random. Judged from the logs of the simulators, the webhook sink and the client.
"""
