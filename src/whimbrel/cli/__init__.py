"""The command line: `whimbrel` and its verbs. Each file holds one verb or a few that belong together;
`verbs.py` names them all, and imports the one that is called. Like `app.py` it stands on top and may name
implementations.
"""
