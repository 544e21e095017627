"""Tiny real MCP servers for tests; `python -m tests.servers.NAME`, over stdio or with `--http PORT`."""
