"""Find entries by what somebody types of them: whole words, beginnings of words, or letters in their order."""

from collections.abc import Sequence
from heapq import nlargest


def best(query: str, texts: Sequence[str], limit: int = 50) -> list[int]:
    """Return the places of the texts that fit best, best first. Texts are expected in lower case."""
    words = query.casefold().split()
    if not words:
        return list(range(min(limit, len(texts))))
    found = []
    for place, text in enumerate(texts):
        total = 0
        for word in words:
            points = _score(word, text)
            if not points:
                break
            total += points
        else:
            # Among equals the shorter text is meant, and then the earlier one.
            found.append((total - len(text) // 8, -place))
    return [-place for _, place in nlargest(limit, found)]


def _score(word: str, text: str) -> int:
    """Return how well a word fits a text, 0 if not at all."""
    at = text.find(word)
    if at == 0:
        return 200
    if at > 0:
        return 160 if not text[at - 1].isalnum() else 100
    return _letters(word, text)


def _letters(word: str, text: str) -> int:
    """Return more the more letters of the word begin words of the text, or follow each other."""
    points, at = 10, -1
    for letter in word:
        near = text.find(letter, at + 1)
        if near < 0:
            return 0
        if near == 0 or not text[near - 1].isalnum():
            points += 12
        elif near == at + 1:
            points += 6
        at = near
    # Letters strewn over a whole sentence are chance.
    return points if points >= 10 + 4 * len(word) else 0
