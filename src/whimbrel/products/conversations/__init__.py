"""Conversations: what phones and an account's numbers wrote to each other, and how people of the account see to it:
states, assignment, tags, notes, hours of service with an automatic answer, ratings. Stands on the journey.
"""
