"""Mailboxes: mail becomes texts, and answers of phones go back by mail. Stands on the journey; the door that takes the
mail is in `edges/mail`."""
