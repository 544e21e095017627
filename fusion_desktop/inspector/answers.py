"""What the user has settled in advance for one graph: roots, answers to what servers ask, and how long to wait."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from composite_runtime.interop.registry_entry.rules import is_secret_name
from fusion_desktop.inspector.values import same
from fusion_desktop.run.frames import Json, JsonObject, Question, text_of

IDLE_S = 60
"""So long a call may be silent, unless the user says otherwise."""
_SHOWN = 80


@dataclass(frozen=True)
class Answer:
    """An answer to every question of one method; an elicitation must ask for the same form."""

    method: str
    result: JsonObject
    schema: Json = None
    message: str = ""
    is_kept: bool = False
    """Whether it is kept with the graph, rather than until Fusion ends."""

    def fits(self, question: Question) -> bool:
        """Whether this answers a question."""
        # Whether a page is opened is decided each time.
        is_form = question.params.get("mode") != "url"
        return is_form and question.method == self.method and same(self.schema, question.params.get("requestedSchema"))

    @property
    def words(self) -> str:
        """What is answered to what, in a line."""
        if self.method == "sampling/createMessage":
            content = self.result.get("content")
            text = str(content.get("text", "")) if isinstance(content, Mapping) else ""
            return f"Sampling: “{_short(text)}”"
        given = self.result.get("content")
        told = text_of(given, indent=None) if given is not None else ""
        return " ".join((f"“{_short(self.message)}”:", str(self.result.get("action", "")), _short(told))).strip()


class Answers(QObject):
    """Answers for the sessions of one graph."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._roots: tuple[JsonObject, ...] = ()
        self._saved: tuple[Answer, ...] = ()
        self._idle_s = IDLE_S

    @property
    def roots(self) -> tuple[JsonObject, ...]:
        """The folders servers may work in."""
        return self._roots

    @property
    def saved(self) -> tuple[Answer, ...]:
        """The answers, newest last."""
        return self._saved

    @property
    def idle_s(self) -> int:
        """How long a call may be without a sign of life; 0 is for ever."""
        return self._idle_s

    def set_roots(self, uris: list[str]) -> None:
        """Name other roots."""
        self._roots = tuple({"uri": uri} for uri in dict.fromkeys(uris))
        self.changed.emit()

    def set_idle(self, seconds: int) -> None:
        """Wait longer or shorter."""
        self._idle_s = seconds
        self.changed.emit()

    def find(self, question: Question) -> JsonObject | None:
        """Return what was settled for a question."""
        return next((answer.result for answer in reversed(self._saved) if answer.fits(question)), None)

    def add(self, question: Question, result: JsonObject, *, is_kept: bool) -> None:
        """Answer all questions like this one the same."""
        schema, message = question.params.get("requestedSchema"), str(question.params.get("message", ""))
        others = tuple(answer for answer in self._saved if not answer.fits(question))
        self._saved = (*others, Answer(question.method, result, schema, message, is_kept))
        self.changed.emit()

    def remove(self, answer: Answer) -> None:
        """Ask again."""
        self._saved = tuple(one for one in self._saved if one is not answer)
        self.changed.emit()

    def text(self) -> str:
        """Return what is kept with the graph, as JSON; empty when nothing was settled."""
        kept = [
            {"method": a.method, "result": a.result, "schema": a.schema, "message": a.message}
            for a in self._saved
            if a.is_kept
        ]
        made: dict[str, Any] = {}
        if self._roots:
            made["roots"] = list(self._roots)
        if kept:
            made["answers"] = kept
        if self._idle_s != IDLE_S:
            made["idle_s"] = self._idle_s
        return text_of(made, indent=None) if made else ""

    def load(self, text: str) -> None:
        """Take over what was kept; what cannot be read is as if nothing had been."""
        try:
            read = json.loads(text) if text else {}
        except ValueError:
            read = {}
        read = read if isinstance(read, dict) else {}
        roots, idle_s = read.get("roots"), read.get("idle_s")
        self._roots = tuple(root for root in _objects(roots) if isinstance(root.get("uri"), str))
        self._idle_s = idle_s if isinstance(idle_s, int) and idle_s >= 0 else IDLE_S
        self._saved = tuple(
            Answer(part["method"], part["result"], part.get("schema"), str(part.get("message", "")), is_kept=True)
            for part in _objects(read.get("answers"))
            if isinstance(part.get("method"), str) and isinstance(part.get("result"), dict)
        )
        self.changed.emit()


def asks_for_secret(question: Question) -> bool:
    """Whether an answer may be something that must not be written down."""
    schema = question.params.get("requestedSchema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping):
        return False
    return any(
        is_secret_name(str(name)) or (isinstance(part, Mapping) and part.get("format") == "password")
        for name, part in properties.items()
    )


def _objects(value: Json) -> list[JsonObject]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
