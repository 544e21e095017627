"""What a container would get of this computer, judged over all arguments of its runner together.

However the arguments are divided into words, a mount has its source before a colon, or behind a key.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence

from composite_runtime.interop.registry_entry.rules import shown
from composite_runtime.interop.registry_entry.values import Finding, Severity

_FLAG = re.compile(r"-(?:-volume|-mount|[A-Za-z]*v)=?")
_PATH = r"(?:[A-Za-z]:[\\/]?|[/~$%\\])[^:,]*"
_BEFORE_COLON = re.compile(rf"(?P<path>{_PATH}):")
_BEHIND_KEY = re.compile(rf"(?:^|,)(?:source|src|(?:volume-opt=)?device)=(?P<path>{_PATH})")
_SYSTEM = re.compile(
    r"/|[a-z]:/?|/(?:etc|var|usr|proc|sys|dev|boot|run|bin|sbin|lib\w*|system|library|windows)(?:/.*)?"
    r"|[a-z]:/(?:windows|program ?files.*)(?:/.*)?|.*/(?:docker|podman|containerd)\.sock",
    re.IGNORECASE,
)
# All of a person's folder, or something in it that is hidden because it is not for others.
_HOME = re.compile(
    r"(?:~[^/]*|\$\{?HOME\}?|%\w+%|\$env:\w+|/root|/(?:home|users)(?:/[^/]+)?|[a-z]:/users(?:/[^/]+)?)(?:/\..*)?"
    r"|/(?:home|users)/.*/\..*",
    re.IGNORECASE,
)


def of_words(words: Sequence[tuple[str, bool]]) -> Iterator[Finding]:
    """Yield what is wrong with the words of a runner; each says whether it is fixed or only suggested."""
    before = ""
    for word, is_fixed in words:
        for path in _sources(word) if before != "--tmpfs" or word.startswith("-") else ():
            if _SYSTEM.fullmatch(path) or (is_fixed and _HOME.fullmatch(path)):
                yield Finding(Severity.BLOCK, f"the container would get {shown(path, 60)} of this computer")
            elif is_fixed:
                yield Finding(Severity.WARNING, f"the container gets {shown(path, 60)} of this computer")
        before = word


def _sources(word: str) -> Iterator[str]:
    text = _FLAG.sub("", word, count=1) if _FLAG.match(word) else word
    found = [match["path"] for match in _BEHIND_KEY.finditer(text)]
    if match := _BEFORE_COLON.match(text):
        found.append(match["path"])
    for path in found:
        whole = posixpath.normpath(path.replace("\\", "/"))
        yield whole[1:] if whole.startswith("//") else whole  # which POSIX lets stand
