"""What an authorization server has granted: values that are kept as one secret."""

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

# A token that is about to expire may do so on its way.
_EARLY_S = 30.0


@dataclass(frozen=True)
class Client:
    """Who we are to an authorization server; `method` is how we prove it at its token endpoint."""

    client_id: str
    secret: str | None = None
    method: str = "none"


@dataclass(frozen=True)
class Grant:
    """Tokens for one resource, from one issuer, for one client of it. Without an access token nothing is granted now.

    `scope` is what was granted, `asked` what was asked for. `expires_at` is in seconds since the epoch, None when the
    server did not say.
    """

    issuer: str
    resource: str
    token_endpoint: str
    client: Client
    access_token: str
    refresh_token: str | None = None
    revocation_endpoint: str | None = None
    scope: str | None = None
    asked: str | None = None
    expires_at: float | None = None

    @property
    def is_expiring(self) -> bool:
        """Whether the access token has expired, or will within moments."""
        return self.expires_at is not None and time.time() > self.expires_at - _EARLY_S

    @property
    def is_expired(self) -> bool:
        """Whether the access token surely is no good any more."""
        return self.expires_at is not None and time.time() > self.expires_at

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that nobody may see."""
        return tuple(filter(None, (self.access_token, self.refresh_token, self.client.secret)))

    def renewed(self, answer: dict[str, Any]) -> "Grant":
        """Return the grant after a refresh: what the answer leaves out stays as it was."""
        return replace(
            self,
            access_token=answer["access_token"],
            refresh_token=answer.get("refresh_token") or self.refresh_token,
            scope=answer.get("scope") or self.scope,
            expires_at=expiry(answer),
        )

    def to_text(self) -> str:
        """Return the grant as the text that is kept."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Grant | None":
        """Return the grant a kept text holds; None when it holds none of ours."""
        try:
            data = json.loads(text)
            return cls(**{**data, "client": Client(**data["client"])})
        except (ValueError, TypeError, KeyError):
            return None


def expiry(answer: dict[str, Any]) -> float | None:
    """Return when the access token of an answer expires."""
    seconds = answer.get("expires_in")
    if isinstance(seconds, str) and seconds.isdecimal():  # some servers send a text
        seconds = int(seconds)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return None
    return time.time() + seconds
