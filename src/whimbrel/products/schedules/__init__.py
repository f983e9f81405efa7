"""Schedules: a text or a flow at a time, once or again and again, to a list of phones. `keeping` is the control plane,
`running` the duty that sends what is due. Imports `journey`, `manage`, `products.flows`, and what is below.
"""
