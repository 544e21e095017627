"""Serving: one provider, offered to clients of both eras over stdio and streamable HTTP."""
