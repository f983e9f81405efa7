"""Hooks: calls of other systems become texts. They are kept and changed in `keeping.py`, taken in `receiving.py`,
judged in `judging.py` (also for trials, `trying.py`), and looked at again in `logbook.py`.
"""
