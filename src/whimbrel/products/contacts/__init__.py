"""Contacts: people whom an account knows by their numbers, with fields, tags, lists, segments and imports. May import
what products may; campaigns, flows and conversations stand on it.
"""
