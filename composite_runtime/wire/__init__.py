"""MCP on the wire: messages, eras, transports and links. Everything stays raw JSON, so that no field is lost."""
