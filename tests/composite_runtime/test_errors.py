import pytest

from composite_runtime.errors import ChildError, ConfigError, FusionError, GraphError, SecretMissing, UnknownName


@pytest.mark.parametrize("kind", [GraphError, ConfigError, SecretMissing, ChildError, UnknownName])
def test_each_error_is_shown_as_its_message_and_knows_its_node(kind: type[FusionError]) -> None:
    with pytest.raises(FusionError) as caught:
        raise kind("the door is closed", node="door")

    assert str(caught.value) == "the door is closed"
    assert caught.value.node == "door"
