"""What an authorization server has granted: values that are kept as one secret."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

# A token that is about to expire may do so on its way; one that lives for a minute is still used for most of it.
_EARLY_S = 30.0
_EARLY_SHARE = 0.1


@dataclass(frozen=True)
class Client:
    """Who we are to an authorization server; `method` is how we prove it at its token endpoint."""

    client_id: str
    secret: str | None = None
    method: str = "none"


@dataclass(frozen=True)
class Grant:
    """Tokens for one resource, from one issuer, for one client of it. Without an access token nothing is granted now.

    `scope` is what was granted, `asked` what was asked for. The access token came at `since` and lives for
    `lifetime_s`, None when the server did not say how long.
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
    since: float = 0.0
    lifetime_s: float | None = None

    @property
    def is_expiring(self) -> bool:
        """Whether the access token has expired, or will within moments."""
        return self.lifetime_s is not None and self._left_s < min(_EARLY_S, _EARLY_SHARE * self.lifetime_s)

    @property
    def is_expired(self) -> bool:
        """Whether the access token surely is no good any more."""
        return self.lifetime_s is not None and self._left_s <= 0

    @property
    def _left_s(self) -> float:
        return self.since + (self.lifetime_s or 0.0) - time.time()

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
            since=time.time(),
            lifetime_s=lifetime_s(answer),
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


def lifetime_s(answer: Mapping[str, object]) -> float | None:
    """Return how long the access token of an answer lives."""
    seconds = answer.get("expires_in")
    if not isinstance(seconds, int | float | str) or isinstance(seconds, bool):
        return None
    try:
        return float(seconds)  # some servers send a text
    except (ValueError, OverflowError):
        return None
