"""Schedules: a text or a flow at a time, once or again and again, to phones and contacts. `keeping` is the control
plane, `running` the duty that sends what is due, `runs` what came of it. Imports `journey`, `manage`, `products.flows`,
what campaigns know of audiences, and what is below.
"""
