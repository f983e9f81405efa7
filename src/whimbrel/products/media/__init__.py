"""Media: files that an account brings, or names by their URLs, and sends in messages. What a file is, is said by
`domain/media.py`; messages hold theirs by accept. Imports what products may.
"""
