"""Questions that need more than a line; all are opened with `open()`, never run."""
