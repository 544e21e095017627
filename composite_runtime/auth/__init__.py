"""Signing in to remote servers by OAuth 2.1, as the MCP authorization specification has it."""
