"""Editing somebody else's text file: one entry changes, every other byte stays. Text in, text out, no file access."""
