"""The errors Fusion raises on purpose; each message is written for the user and shown as it is.

FusionError
├── GraphError       the file or the graph cannot be used
├── ConfigError      a client configuration cannot be read or written
├── SecretMissing    a `${secret:NAME}` or `${env:NAME}` has no value
├── ChildError       a child cannot be started, or is not running
└── UnknownName      no such tool, resource, prompt or registered part

Anything else that is raised is a bug.
"""


class FusionError(Exception):
    """Something the user can understand and act on; `node` is the id of the node it concerns."""

    def __init__(self, message: str, node: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.node = node

    def __str__(self) -> str:
        return self.message


class GraphError(FusionError):
    """The file or the graph cannot be used."""


class ConfigError(FusionError):
    """A client configuration cannot be read or written."""


class SecretMissing(FusionError):
    """A reference to a secret or an environment variable has no value."""


class ChildError(FusionError):
    """A child cannot be started, or is not running."""


class UnknownName(FusionError):
    """No such tool, resource, prompt or registered part."""
