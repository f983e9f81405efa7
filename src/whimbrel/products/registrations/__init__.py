"""Registrations of senders: what an account answers to the questions of a regime, with its papers, and what the
operator says to it. The questions are data (`domain/sender_data/regimes/`). It stands on what is configured (`manage`).
"""
