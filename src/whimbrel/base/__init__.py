"""What everything stands on: time, chance, ids, money, errors, limits, logs, metrics, faults. Imports nothing of ours
but itself.
"""
