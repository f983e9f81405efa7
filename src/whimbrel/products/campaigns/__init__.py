"""Campaigns: one text, or several to compare, to everybody of an audience, at a pace, each recipient once. It stands on
the journey, on contacts and on templates.
"""
