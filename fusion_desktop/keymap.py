"""Which keys do what: the keys of the table of actions, and what the user made of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from PySide6.QtGui import QKeySequence

_NATIVE = QKeySequence.SequenceFormat.NativeText
_PORTABLE = QKeySequence.SequenceFormat.PortableText
_RESERVED = {
    "Esc": "Escape always gives up what is under way",
    "Space": "Space pans the canvas while it is held",
}
_FUNCTION_KEY = re.compile(r"F\d+")


@dataclass(frozen=True)
class Command:
    """What a key can be given to. What is not `on_canvas` acts in the whole window, also while somebody types."""

    id: str
    text: str
    group: str
    keys: tuple[str, ...]
    on_canvas: bool


class Keymap:
    """A value: the keys of every command. Keys are written as Qt does in portable text, chords with a comma."""

    def __init__(self, commands: Iterable[Command], changed: Mapping[str, Sequence[str]] | None = None) -> None:
        self._commands = {command.id: command for command in commands}
        self._changed: dict[str, tuple[str, ...]] = {}
        # What was stored may come from an older table: what does not fit any more falls back to the default.
        for command_id, keys in (changed or {}).items():
            if command_id in self._commands:
                others = self._but(command_id, ())
                fitting = tuple(portable(key) for key in keys if others.why_not(command_id, key) is None)
                if fitting or not keys:
                    self._changed[command_id] = fitting

    @property
    def commands(self) -> tuple[Command, ...]:
        """Return all commands in the order of the table."""
        return tuple(self._commands.values())

    @property
    def changed(self) -> dict[str, list[str]]:
        """Return what differs from the table, fit to be stored."""
        return {command_id: list(keys) for command_id, keys in self._changed.items()}

    def keys(self, command_id: str) -> tuple[str, ...]:
        """Return the keys of a command."""
        if command_id in self._changed:
            return self._changed[command_id]
        return self._commands[command_id].keys if command_id in self._commands else ()

    def is_changed(self, command_id: str) -> bool:
        """Tell whether a command has other keys than the table gives it."""
        return command_id in self._changed

    def native(self, command_id: str) -> str:
        """Return the keys of a command as the platform writes them."""
        return "   ".join(native(key) for key in self.keys(command_id))

    def why_not(self, command_id: str, key: str) -> str | None:
        """Return why a command cannot have a key, or None if it can."""
        wanted = portable(key).split(", ")
        first = wanted[0]
        if not all(wanted):
            return "This is no key"
        if (reason := _RESERVED.get(first.removeprefix("Shift+"))) is not None:
            return reason
        if not self._commands[command_id].on_canvas and not _is_safe_while_typing(first):
            return f"{native(key)} is needed for typing: add Ctrl or Alt"
        for other in self._commands.values():
            for taken in self.keys(other.id):
                if other.id == command_id and portable(taken) == portable(key):
                    return "It has this key already"
                if _collide(wanted, portable(taken).split(", ")):
                    return _words(native(key), native(taken), other.text)
        return None

    def with_keys(self, command_id: str, keys: Sequence[str]) -> Self:
        """Return the keymap in which a command has these keys; the caller has asked `why_not`."""
        return self._but(command_id, tuple(portable(key) for key in keys))

    def reset(self, command_id: str | None = None) -> Self:
        """Return the keymap in which one command, or all, have the keys of the table again, as far as they are free."""
        kept = {} if command_id is None else {k: v for k, v in self._changed.items() if k != command_id}
        made = type(self)(self._commands.values())
        made._changed = kept
        if command_id is not None:
            default, free = self._commands[command_id].keys, made._but(command_id, ())
            fitting = tuple(key for key in default if free.why_not(command_id, key) is None)
            return made if fitting == default else made._but(command_id, fitting)
        return made

    def _but(self, command_id: str, keys: tuple[str, ...]) -> Self:
        made = type(self)(self._commands.values())
        made._changed = {**self._changed, command_id: keys}
        if keys == tuple(portable(key) for key in self._commands[command_id].keys):
            del made._changed[command_id]
        return made


def portable(key: str) -> str:
    """Return a key in the one way it is stored and compared."""
    return QKeySequence(key).toString(_PORTABLE)


def native(key: str) -> str:
    """Return a key as the platform writes it."""
    return QKeySequence(key).toString(_NATIVE)


def _is_safe_while_typing(key: str) -> bool:
    *modifiers, name = key.removesuffix("+").split("+")
    return bool({"Ctrl", "Alt", "Meta"} & set(modifiers)) or _FUNCTION_KEY.fullmatch(name) is not None


def _collide(one: list[str], other: list[str]) -> bool:
    """Tell whether one is the other, or begins it: then Qt would do neither."""
    return all(a == b for a, b in zip(one, other, strict=False))


def _words(key: str, taken: str, owner: str) -> str:
    if key == taken:
        return f"{key} is the key of “{owner}”"
    return f"{key} and {taken}, the key of “{owner}”, begin alike"
