"""From a way and a person's answers to the transport of a node; secrets become references."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

from composite_runtime.errors import FusionError
from composite_runtime.graph.model import HttpTransport, SseTransport, StdioTransport
from composite_runtime.interop.registry_entry.values import Argument, Prompt, Severity, Template, Way
from composite_runtime.secrets import escape

Text: TypeAlias = str | bool | Sequence[str] | None


class Missing(FusionError):
    """An answer is missing or cannot be used; `prompt` is the id of what was asked."""

    def __init__(self, message: str, prompt: str) -> None:
        super().__init__(message)
        self.prompt = prompt


def fill(
    way: Way, answers: Mapping[str, Text], secret_name: Callable[[Prompt], str]
) -> StdioTransport | HttpTransport | SseTransport:
    """Return the transport the answers make of a way.

    A secret's answer only says that there is one: what stands in the transport is `${secret:NAME}`, and the caller
    stores the value under `secret_name(prompt)`.

    Raises:
        Missing: a required answer is missing, or an answer is not one of the choices, not a number or not a URL.
        FusionError: the way is blocked, or needs a download first.
    """
    if reason := next((one.message for one in way.findings if one.severity is Severity.BLOCK), None):
        raise FusionError(f"this way is blocked: {reason}")
    if way.download:
        raise FusionError("this is a bundle: it has to be downloaded and opened first")
    filler = _Filler(way, answers, secret_name)
    if way.origin == "remote":
        return filler.remote()
    return filler.stdio()


def secret_name(owner: str, prompt: Prompt) -> str:
    """Return the name to keep a secret under that a server of this name asks for."""
    return ".".join(re.sub(r"[^A-Za-z0-9_-]+", "-", word).strip("-_") or "server" for word in (owner, prompt.label))


class _Filler:
    def __init__(self, way: Way, answers: Mapping[str, Text], secret_name: Callable[[Prompt], str]) -> None:
        self._way = way
        self._answers = answers
        self._secret_name = secret_name

    def stdio(self) -> StdioTransport:
        env = {name: text for name, template in self._way.env.items() if (text := self._text(template)) is not None}
        args = [word for argument in self._way.arguments for word in self._words(argument, env)]
        return StdioTransport(command=self._way.command, args=tuple(args), env=env)

    def remote(self) -> HttpTransport | SseTransport:
        url = self._text(self._way.url) or ""
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            prompt = next((part.prompt for part in self._way.url if not isinstance(part, str)), "url")
            raise Missing(f"{url!r} is not a URL: it must start with https:// or http://", prompt)
        headers = {name: text for name, part in self._way.headers.items() if (text := self._text(part)) is not None}
        kind = SseTransport if self._way.transport == "sse" else HttpTransport
        return kind(url=url, headers=headers)

    def _words(self, argument: Argument, env: Mapping[str, str]) -> list[str]:
        if argument.switch is not None:
            is_on = self._answer(argument.switch) in (True, "true", "1")
            return [str(argument.tokens[0][0])] if is_on else []
        if self._is_idle_variable(argument, env):
            return []
        lists = [answer for ref in argument.refs if isinstance(answer := self._answer(ref), list | tuple)]
        words: list[str] = []
        for turn in range(max(map(len, lists), default=1)):
            filled = [self._text(token, turn) for token in argument.tokens]
            words.extend(word for word in filled if word is not None and None not in filled)
        return words

    def _is_idle_variable(self, argument: Argument, env: Mapping[str, str]) -> bool:
        """Return whether this is `-e NAME` for a variable that has no value."""
        match argument.tokens:
            case (("-e",), (str(name),)):
                return name in self._way.env and name not in env
        return False

    def _answer(self, prompt_id: str) -> Text:
        prompt = self._way.prompts[prompt_id]
        answer = self._answers.get(prompt_id, prompt.default)
        if prompt.is_required and answer in (None, "", [], ()):
            raise Missing(f"{prompt.label} is required", prompt_id)
        return answer

    def _text(self, template: Template, turn: int = 0) -> str | None:
        """Return the template with its answers, or None if one of them is not given."""
        pieces = []
        for part in template:
            piece = escape(part) if isinstance(part, str) else self._piece(part.prompt, turn)
            if piece is None:
                return None
            pieces.append(piece)
        return "".join(pieces)

    def _piece(self, prompt_id: str, turn: int) -> str | None:
        prompt, answer = self._way.prompts[prompt_id], self._answer(prompt_id)
        if isinstance(answer, list | tuple):
            answer = answer[turn] if turn < len(answer) else None
        if answer is None or answer == "":
            return None
        if prompt.is_secret:
            return f"${{secret:{self._secret_name(prompt)}}}"
        text = ("true" if answer else "false") if isinstance(answer, bool) else str(answer)
        if prompt.choices and text not in prompt.choices:
            raise Missing(f"{prompt.label} must be one of {', '.join(prompt.choices)}", prompt_id)
        if prompt.kind == "number" and not re.fullmatch(r"-?\d+(?:\.\d+)?", text):
            raise Missing(f"{prompt.label} must be a number", prompt_id)
        # What a person types is text, also when it looks like a reference.
        return escape(text)
