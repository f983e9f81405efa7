"""The benchmark: `make bench`. A load generator, the simulator and a webhook sink, each a process of its own, around
the product as a user starts it. Traffic stays on loopback; every scenario is bounded in messages and time.
"""
