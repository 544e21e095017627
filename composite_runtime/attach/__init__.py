"""Watching a runtime that another program has started: on the same machine, for the same user, read only."""
