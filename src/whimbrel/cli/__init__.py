"""The command line: `whimbrel` and its verbs. Each file holds one verb or a few that belong together;
`main.py` puts them together. Like `app.py` it stands on top and may name implementations.
"""
