"""Whole installations carried from one database to another: every count, every sum, every position, whatever interrupts
it.
"""
