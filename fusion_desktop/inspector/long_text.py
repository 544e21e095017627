"""How much of a text is shown at once: a text field takes minutes for what a server may send in a second."""

from dataclasses import dataclass

SHOWN = 200_000
"""So many characters are shown at most."""
LINE = 4_000
"""So many characters of one line: laying out a line takes time that grows faster than its length."""
LINES = 5_000


@dataclass(frozen=True)
class Excerpt:
    """What is shown of a text, and in words what is not."""

    text: str
    left_out: str = ""


def excerpt(text: str) -> Excerpt:
    """Return what can be shown of a text without making anybody wait."""
    if len(text) <= LINE:
        return Excerpt(text)
    begin = text[: SHOWN + 1]
    lines = begin[:SHOWN].split("\n")
    longest = max(map(len, lines))
    if len(begin) <= SHOWN and longest <= LINE and len(lines) <= LINES:
        return Excerpt(text)
    shown = "\n".join(line if len(line) <= LINE else f"{line[:LINE]}…" for line in lines[:LINES])
    return Excerpt(shown, f"Only a part of {_count(len(text))} characters is shown.")


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
