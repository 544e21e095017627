"""The open graph: its undo stack, its signals and its file."""
