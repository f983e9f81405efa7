"""Raw sockets and HTTP out: the SMPP link, and the HTTP client with its block of private networks. No store, no
carrier, no rule of the domain.
"""
