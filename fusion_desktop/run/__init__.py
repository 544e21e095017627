"""The running composite as the desktop sees it: its process, its events, its state, and an MCP client to inspect it."""
