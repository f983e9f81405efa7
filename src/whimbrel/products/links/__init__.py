"""Short links: kept, opened and counted. What a link is, is said by `domain/links.py`, who opens one by
`domain/link_visits.py`; those of a text are made by accept (`journey/shorten.py`). Imports what products may.
"""
