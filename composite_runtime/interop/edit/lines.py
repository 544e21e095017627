"""A text as lines: only a line feed ends one, whatever else Unicode takes for a line end."""

import re

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def lines_of(text: str) -> list[str]:
    """Return the lines with their ends."""
    return _LINE.findall(text)


def line_end_of(text: str) -> str:
    """Return the line end most lines of the text have."""
    crlf = text.count("\r\n")
    return "\r\n" if crlf and crlf * 2 >= text.count("\n") else "\n"
