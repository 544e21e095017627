"""What the header WWW-Authenticate asks for, however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.auth.challenge import Challenge, joined


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", Challenge()),
        ("Bearer", Challenge(True)),
        ('Basic realm="x, Bearer scope=nothing"', Challenge()),
        ('bearer scope="a b"', Challenge(True, scope="a b")),
        (
            "Bearer error=insufficient_scope, scope=files:write",
            Challenge(True, None, "files:write", "insufficient_scope"),
        ),
        (
            'Basic realm="a", Bearer resource_metadata="https://a.test/.well-known/x", error="invalid_token"',
            Challenge(True, "https://a.test/.well-known/x", None, "invalid_token"),
        ),
        ('Bearer realm="say \\"scope=all\\"", scope="one", Digest scope="two"', Challenge(True, scope="one")),
        ('Bearer scope=""', Challenge(True)),
    ],
)
def test_the_bearer_challenge_is_found_among_others(header: str, wanted: Challenge) -> None:
    assert Challenge.of(header) == wanted


@given(st.text())
def test_no_header_breaks_the_reading(header: str) -> None:
    Challenge.of(header)
    Challenge.of(f"Bearer {header}")


def test_scopes_are_joined_once_each_in_their_order() -> None:
    assert joined("b a", None, "a c") == "b a c"
    assert joined(None, "") is None
