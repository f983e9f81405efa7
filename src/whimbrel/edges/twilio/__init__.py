"""The Twilio door: the messages of Twilio's API of 2010-04-01, as far as its unmodified SDKs need it. It speaks that
wire format and nothing of its own; what becomes of a message is the journey's. Imports the shared parts of edges,
never another door.
"""
