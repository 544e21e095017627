"""What is typed finds what is meant."""

import pytest

from fusion_desktop.actions import TABLE
from fusion_desktop.fuzzy import best

TITLES = [spec.text.rstrip("…").casefold() for spec in TABLE]


@pytest.mark.parametrize("spec", TABLE, ids=lambda spec: spec.id)
def test_every_action_is_found_by_its_title(spec: object) -> None:
    title = spec.text.rstrip("…").casefold()  # type: ignore[attr-defined]
    assert TITLES[best(title, TITLES)[0]] == title


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sa", "save"),
        ("dup", "duplicate"),
        ("gic", "group into a composite"),
        ("new comp", "new composite"),
        ("comp new", "new composite"),
        ("tidy", "tidy up"),
        ("full", "full screen"),
        ("del rec", "delete and reconnect"),
        ("zi", "zoom in"),
        ("exp", "export to a client"),
    ],
)
def test_abbreviations_find_what_is_meant(typed: str, meant: str) -> None:
    assert meant in [TITLES[place] for place in best(typed, TITLES)[:2]]


def test_nothing_typed_lists_everything_in_order() -> None:
    assert best("", ["b", "a"]) == [0, 1]


def test_what_does_not_fit_is_left_out() -> None:
    assert best("xyz", ["save", "open"]) == []
