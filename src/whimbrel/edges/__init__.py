"""The ways in. An edge translates its own wire format and calls `journey`, `manage` and `products`; edges do not import
each other, `shared/` holds what they have in common.
"""
