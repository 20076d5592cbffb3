"""The embedded store: one SQLite file, one connection, one transaction for each step."""
