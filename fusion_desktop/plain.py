"""Words from elsewhere stay words: no name of a node and no value of a server is taken for markup or for a key."""

from html import escape


def tip(text: str) -> str:
    """Return a text as a tooltip, which Qt would take for HTML if it looked like it, and load the pictures in it."""
    return f"<span>{escape(text).replace(chr(10), '<br>')}</span>" if "<" in text else text


def label(text: str) -> str:
    """Return a text for a button or a menu, where Qt would take an ampersand for the sign of a key."""
    return text.replace("&", "&&")
