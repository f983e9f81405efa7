"""The PostgreSQL dialect: how a connection is set up, the writers that commit in groups, the readers. The only place
that imports asyncpg.
"""
