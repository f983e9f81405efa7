"""A whole installation carried from one database to another, of either dialect: which tables, in which order, what is
checked at the end. Each dialect has its two ends in a file of its own, `<dialect>/copying.py`.
"""
