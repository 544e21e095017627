import pytest

from composite_runtime.errors import UnknownName
from composite_runtime.registry import Registry


@pytest.fixture
def shapes() -> Registry[int]:
    registry: Registry[int] = Registry("shape")
    registry.register("triangle")(3)
    registry.register("square")(4)
    return registry


def test_a_registered_part_is_found_under_its_name(shapes: Registry[int]) -> None:
    assert shapes["triangle"] == 3
    assert dict(shapes) == {"triangle": 3, "square": 4}
    assert len(shapes) == 2


def test_the_decorator_returns_what_it_registers(shapes: Registry[int]) -> None:
    assert shapes.register("pentagon")(5) == 5


def test_a_near_miss_is_answered_with_the_nearest_name(shapes: Registry[int]) -> None:
    with pytest.raises(UnknownName, match="there is no shape 'sqare'; did you mean 'square'"):
        shapes["sqare"]


def test_a_far_miss_is_answered_with_all_names(shapes: Registry[int]) -> None:
    with pytest.raises(UnknownName, match="known are square, triangle"):
        shapes["x"]


def test_asking_whether_a_name_is_known_raises_nothing(shapes: Registry[int]) -> None:
    assert "square" in shapes
    assert "circle" not in shapes


def test_a_name_is_registered_once(shapes: Registry[int]) -> None:
    with pytest.raises(ValueError, match="'square' is registered twice"):
        shapes.register("square")(4)
