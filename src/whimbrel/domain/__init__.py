"""Pure rules: what a message is, which moves it may make, what it costs, where it goes. No I/O, no clock, no chance:
they are arguments. Imports `codec` and `base` (not `base.clock`, not `base.log`).
"""
