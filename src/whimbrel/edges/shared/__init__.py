"""What the ways in have in common: the guarded HTTP server, authentication, rate limits, bodies, problem answers, the
route table with its OpenAPI document, SSE. May import journey, manage, products and below; never a single edge.
"""
