"""The SMPP door: customers bind to it as ESMEs (SMPP 3.4 2.1) and hand in their messages. May import `edges.shared`,
`journey`, `manage`, `net` and what lies below, and none of the other doors.
"""
