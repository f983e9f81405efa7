"""The hot verbs, one file each, as transaction scripts over the statements of `sql/`. They load, ask `domain` and
record; they import no driver.
"""
