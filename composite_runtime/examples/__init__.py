"""Small servers that come with Fusion: useful as they are, and something to draw before anything else is installed."""

SERVERS = {
    "notes": "keep notes and search them",
    "text": "measure, compare, hash, encode and query text",
}
"""What each server is for; the module of the same name offers it as `server`."""
