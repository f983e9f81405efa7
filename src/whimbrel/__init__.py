"""Whimbrel: an SMS API that you run yourself. `app.py` builds everything; the journey of a message is in `journey/`."""
