from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from composite_runtime.events import CallFinished, CallStarted, ChildChanged, ChildState, Following, Log
from fusion_desktop.run.status import NodeStatus, Status


def told(status: Status, owner: QObject | None = None) -> list[str]:
    names: list[str] = []
    status.changed.connect(names.append)
    return names


def test_a_node_that_never_said_anything_is_stopped(qtbot: QtBot) -> None:
    assert Status().of("x") == NodeStatus(ChildState.STOPPED)


def test_the_newest_state_of_a_child_counts(qtbot: QtBot) -> None:
    status = Status()
    names = told(status)

    status.show(ChildChanged(node="a", state=ChildState.STARTING))
    status.show(ChildChanged(node="a", state=ChildState.READY, tools=3, pid=7))

    assert names == ["a", "a"]
    assert status.of("a") == NodeStatus(ChildState.READY, tools=3, pid=7)


def test_the_reason_of_a_failure_is_kept_and_forgotten_once_it_is_ready(qtbot: QtBot) -> None:
    status = Status()
    status.show(ChildChanged(node="a", state=ChildState.FAILED, reason="git is not on the PATH"))
    assert status.of("a").reason == "git is not on the PATH"

    status.show(ChildChanged(node="a", state=ChildState.READY, tools=1))

    assert status.of("a").reason is None


def test_calls_are_counted_and_failures_apart(qtbot: QtBot) -> None:
    status = Status()
    for number, error in enumerate((None, "no such file")):
        status.show(CallStarted(call=str(number), node="a", method="tools/call"))
        status.show(CallFinished(call=str(number), node="a", method="tools/call", milliseconds=12.5, error=error))

    found = status.of("a")
    assert (found.calls, found.errors, found.active, found.last_ms, found.last_error) == (2, 1, 0, 12.5, "no such file")


def test_what_says_nothing_about_a_node_changes_nothing(qtbot: QtBot) -> None:
    status = Status()
    names = told(status)

    status.show(Log(level="info", source="a", message="hello"))

    assert names == []


def test_when_the_runtime_is_gone_every_node_is_stopped(qtbot: QtBot) -> None:
    status = Status()
    status.show(ChildChanged(node="a", state=ChildState.READY, tools=3, pid=7))

    with qtbot.waitSignal(status.reset):
        status.stop()

    assert status.of("a").state is ChildState.STOPPED
    assert status.of("a").pid is None


def test_a_call_whose_end_was_lost_is_not_under_way_for_ever(qtbot: QtBot) -> None:
    status = Status()
    status.show(ChildChanged(node="a", state=ChildState.READY, tools=1))
    status.show(CallStarted(call="c", node="box", method="tools/call", span=1))
    status.show(CallStarted(call="c", node="a", method="tools/call", span=2, parent=1))
    assert (status.of("a").active, status.wires_from("a")["box"].active) == (1, 1)

    status.show(Following(missed=3))

    assert (status.of("a").active, status.of("box").active, status.wires_from("a")["box"].active) == (0, 0, 0)
    # One that was still under way ends as ever, and takes no other with it.
    status.show(CallStarted(call="d", node="a", method="tools/call", span=3))
    status.show(CallFinished(call="c", node="a", method="tools/call", milliseconds=10, span=2))
    assert status.of("a").active == 1


def test_a_child_that_goes_down_has_no_call_under_way(qtbot: QtBot) -> None:
    status = Status()
    status.show(ChildChanged(node="a", state=ChildState.READY, tools=1))
    status.show(CallStarted(call="c", node="a", method="tools/call", span=2))
    status.show(ChildChanged(node="a", state=ChildState.READY, tools=2))
    assert status.of("a").active == 1

    status.show(ChildChanged(node="a", state=ChildState.RETRYING))
    status.show(ChildChanged(node="a", state=ChildState.READY, tools=2))

    assert status.of("a").active == 0
