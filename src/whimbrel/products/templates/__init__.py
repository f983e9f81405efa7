"""Templates: kept, versioned and approved (`keeping.py`, `versions.py`), tried out (`preview.py`), and rendered for
other products (`render.py`). Messages that name one are filled in by accept itself (`journey/fill.py`).
"""
