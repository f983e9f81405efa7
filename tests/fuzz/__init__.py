"""Hostile octets against what reads them. `targets` are functions from octets to an assertion, `stall` holds a live
link; `run` feeds them by coverage for as long as it is told (`make fuzz`), `test_fuzz` for seconds (`make test`)."""
