import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime.graph.naming import NAME_LIMIT
from composite_runtime.surface.names import unique

_names = st.text("ab_", min_size=1, max_size=70)


@given(st.lists(_names, max_size=40))
def test_no_two_names_are_alike_and_none_is_too_long(names: list[str]) -> None:
    taken: list[str] = []
    for name in names:
        taken.append(unique(name, taken))

    assert len(set(taken)) == len(names)
    assert all(0 < len(name) <= NAME_LIMIT for name in taken)


@given(st.text(min_size=1, max_size=NAME_LIMIT))
def test_a_name_that_fits_stays_as_it_is(name: str) -> None:
    assert unique(name, ()) == name


@pytest.mark.parametrize("length", [NAME_LIMIT + 1, 200])
def test_a_long_name_keeps_its_start_and_is_the_same_in_every_run(length: int) -> None:
    name = "abcdefghij" * 20

    assert unique(name[:length], ()) == unique(name[:length], ())
    assert unique(name[:length], ()).startswith(name[: NAME_LIMIT - 7])


def test_two_long_names_with_one_start_stay_apart() -> None:
    assert unique("a" * 80 + "x", ()) != unique("a" * 80 + "y", ())


def test_a_taken_name_gets_a_number() -> None:
    assert unique("search", {"search"}) == "search_2"
    assert unique("search", {"search", "search_2"}) == "search_3"
