"""Who is told when a resource changes."""

import pytest

from composite_runtime.watches import covers


@pytest.mark.parametrize(
    ("watched", "uri", "is_told"),
    [
        ("file:///d", "file:///d", True),
        ("file:///d", "file:///d/x", True),
        ("file:///d/", "file:///d/x", True),
        ("db://t", "db://t?row=1", True),
        ("db://t", "db://t#row", True),
        ("file:///d", "file:///dx", False),
        ("file:///d/x", "file:///d", False),
        ("file:///d/", "file:///d", False),
    ],
)
def test_a_resource_covers_itself_and_what_lies_below_it(watched: str, uri: str, is_told: bool) -> None:
    assert covers(watched, uri) is is_told
