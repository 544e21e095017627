"""What clients have in common whose files are edited line by line."""

import re
from abc import abstractmethod
from dataclasses import dataclass
from difflib import SequenceMatcher

from composite_runtime.interop.clients.format import ClientFormat
from composite_runtime.interop.edit.lines import lines_of

_VALUE = re.compile(r"(?P<key>\s*(?:- )?[^=:#\s][^=:#]*[=:]\s*)\S.*")
_ITEM = re.compile(r"(?P<key>\s*(?:- )?)[^#\s].*")


@dataclass(frozen=True, kw_only=True)
class LineClient(ClientFormat):
    """A client whose file is TOML or YAML."""

    @abstractmethod
    def remove(self, text: str, name: str) -> str:
        """Return the configuration without the entry of this name."""

    def masked(self, text: str, name: str) -> str:
        """Return the text with every value hidden that is not in the entry `name`."""
        lines, others = lines_of(text), lines_of(self.remove(text, name))
        shown = list(lines)
        for tag, start, end, _, _ in SequenceMatcher(None, lines, others, autojunk=False).get_opcodes():
            if tag == "equal":
                shown[start:end] = [_hidden(line) for line in lines[start:end]]
        return "".join(shown)


def _hidden(line: str) -> str:
    body = line.rstrip("\r\n")
    if not body.strip() or body.lstrip().startswith(("#", "[")):
        return line
    for pattern in (_VALUE, _ITEM):
        if match := pattern.fullmatch(body):
            return f"{match['key']}…{line[len(body) :]}"
    return line
