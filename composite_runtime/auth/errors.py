"""What can go wrong on the way in, in words for the user."""

from composite_runtime.errors import FusionError


class SignInFailed(FusionError):
    """Signing in did not succeed."""


class NoSignIn(SignInFailed):
    """The server does not offer to sign in by OAuth."""


class Unreachable(SignInFailed):
    """Who is needed to sign in cannot be reached, or fails by itself; trying again later may help."""


class Refused(SignInFailed):
    """An authorization server has refused a request; `code` is the OAuth error it gave."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class CannotKeep(SignInFailed):
    """There is nowhere safe to keep what was granted."""
