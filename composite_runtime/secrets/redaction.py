"""Hiding values that were resolved from references in whatever the program writes."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from threading import Lock
from urllib.parse import quote, quote_plus

# Shorter values occur by chance in ordinary text; hiding them would make logs unreadable and give their place away.
_SHORTEST = 6
_SHORTEST_ENCODED = 8
_PREFIX = 4
_URL_SAFE = str.maketrans("+/", "-_")


class Redactor:
    """Knows values that must not be seen, each with the text shown instead."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self._is_stale = False
        # Values are learned in the threads that ask the keyring and hidden in the thread that writes.
        self._lock = Lock()

    def learn(self, value: str, shown: str) -> None:
        """Hide `value` from now on, in each form it takes in logs and messages."""
        new = {form: shown for form in _forms(value) if len(form) >= _SHORTEST and form not in self._shown}
        if not new:
            return
        with self._lock:
            self._shown.update(new)
            self._is_stale = True

    def redact(self, text: str) -> str:
        """Return the text with every known value replaced by the reference it came from."""
        if self._is_stale:
            # Not for each value that is learned: a long list of them would take minutes.
            with self._lock:
                self._pattern = re.compile(_any_of(self._shown))
                self._is_stale = False
        pattern = self._pattern
        return pattern.sub(lambda match: self._shown[match[0]], text) if pattern else text


def _any_of(texts: Iterable[str], depth: int = 0) -> str:
    """Return a pattern of any of the texts, by their first characters: one after the other would take too long."""
    if depth == _PREFIX:
        # The longest first: a value may begin with another one.
        return "|".join(re.escape(text[depth:]) for text in sorted(texts, key=len, reverse=True))
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(text[depth], []).append(text)
    return "|".join(f"{re.escape(first)}(?:{_any_of(group, depth + 1)})" for first, group in groups.items())


def _forms(value: str) -> Iterator[str]:
    # A log is read line by line, so each line of a key file has to be hidden on its own.
    for text in dict.fromkeys((value, value.strip(), *(line.strip() for line in value.splitlines()))):
        yield text
        for ascii_only in (True, False):
            inner = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
            yield inner
            # JSON is often a text within JSON.
            yield json.dumps(inner, ensure_ascii=ascii_only)[1:-1]
        yield from (quote(text, safe=""), quote(text), quote_plus(text))
        yield from _in_base64(text)


def _in_base64(text: str) -> Iterator[str]:
    """Yield what a text looks like inside something encoded, such as `user:password`, wherever it begins there."""
    data = text.encode("utf-8", "surrogatepass")
    for before in range(3):
        whole = base64.b64encode(bytes(before) + data).decode()
        # Only characters that hang on nothing but the text: six bits each.
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        part = whole[first:last]
        if len(part) >= _SHORTEST_ENCODED:
            yield part
            yield part.translate(_URL_SAFE)
