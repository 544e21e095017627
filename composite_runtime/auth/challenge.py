"""What a server asks for when it lets nobody in: the header WWW-Authenticate (RFC 9110, RFC 6750, RFC 9728)."""

import re
from dataclasses import dataclass

_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][\w!#$%&'*+.^`|~-]*)(?=\s|,|$)(?!\s*=)")
_PARAMETER = re.compile(r"""([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))""")


@dataclass(frozen=True)
class Challenge:
    """The challenge of the scheme Bearer, if there is one."""

    is_bearer: bool = False
    resource_metadata: str | None = None
    scope: str | None = None
    error: str | None = None

    @classmethod
    def of(cls, header: str) -> "Challenge":
        """Return what a header asks for; one that cannot be read asks for nothing."""
        # Quoted texts are blanked while schemes are looked for: what looks like a scheme in them is none.
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: '"' + "_" * (len(match[0]) - 2) + '"', header)
        schemes = [(match[1].lower(), match.end()) for match in _SCHEME.finditer(bare)]
        for index, (scheme, start) in enumerate(schemes):
            if scheme != "bearer":
                continue
            end = schemes[index + 1][1] if index + 1 < len(schemes) else len(header)
            values = {
                match[1].lower(): _unquoted(match[2]) if match[2] is not None else match[3]
                for match in _PARAMETER.finditer(header, start, end)
            }
            return cls(True, values.get("resource_metadata"), values.get("scope") or None, values.get("error"))
        return cls()


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def joined(*scopes: str | None) -> str | None:
    """Return all the scopes these lists name, each once, in their order."""
    words = dict.fromkeys(word for scope in scopes if scope for word in scope.split())
    return " ".join(words) or None
