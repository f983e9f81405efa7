"""A day of bad carriers in ten minutes: real processes under a steady load, carriers that flap, throttle and send
receipts late, early, twice and never; then both sides are counted. `make soak`, or `python -m tests.soak --seconds 60`.

Imports the rig of tests/faults, which kills where this one only lets carriers be what they are.
"""
