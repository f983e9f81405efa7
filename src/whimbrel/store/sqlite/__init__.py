"""The SQLite dialect: how a connection is set up, who owns the file, the writer thread that commits in groups, the
readers. The only place that imports apsw.
"""
