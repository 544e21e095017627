import pytest

from composite_runtime.calls.pointer import Nowhere, pointer_of, resolve

# The document and the answers of RFC 6901, section 5.
DOCUMENT = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3),
        ("/g|h", 4), ("/i\\j", 5), ('/k"l', 6), ("/ ", 7), ("/m~0n", 8),
    ],
)  # fmt: skip
def test_a_pointer_leads_where_the_standard_says(pointer: str, value: object) -> None:
    assert resolve(DOCUMENT, pointer) == value


@pytest.mark.parametrize("pointer", ["foo", "/foo/2", "/foo/-", "/none/at/all", "/foo/bar"])
def test_a_pointer_that_leads_nowhere_says_where_it_ends(pointer: str) -> None:
    with pytest.raises(Nowhere):
        resolve(DOCUMENT, pointer)


def test_steps_become_a_pointer() -> None:
    assert pointer_of(["a/b", 0, "m~n"]) == "/a~1b/0/m~0n"
