"""Foreign files: how other programs write down their MCP servers, and how they are told to start the runtime."""
