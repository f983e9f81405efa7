"""The benchmark: a load generator and a webhook sink in processes of their own, run by `python -m bench`. It imports
nothing of the product; it measures what a customer sees, and the CPU that each process took.
"""
