"""Who calls, and what tells one caller from another."""

from typing import Any

from composite_runtime.wire.call import Caller, traits
from composite_runtime.wire.era import LATEST_LEGACY, LATEST_MODERN, TASKS_EXTENSION, Era


def caller(session: str = "", principal: str = "", **capabilities: Any) -> Caller:
    era = Era.LEGACY if session else Era.MODERN
    version = LATEST_LEGACY if session else LATEST_MODERN
    return Caller(era, version, capabilities, {"name": "c"}, session, principal)


def test_a_caller_that_cannot_be_asked_anything_is_like_any_other() -> None:
    assert caller("one").identity == caller("two", experimental={}).identity == caller().identity == ""


def test_a_caller_that_can_be_asked_is_known_by_its_session() -> None:
    assert caller("one", roots={}).identity != caller("two", roots={}).identity


def test_a_caller_without_a_session_is_known_by_what_it_can_do_and_whom_it_speaks_for() -> None:
    assert caller(roots={}).identity == caller(roots={}, experimental={"x": 1}).identity
    different = [caller(roots={}), caller(sampling={}), caller(roots={"listChanged": True}), caller("", "me", roots={})]
    assert len({one.identity for one in different}) == len(different)


def test_only_what_a_child_can_use_tells_callers_apart() -> None:
    assert caller(roots={}, elicitation={"url": {}}, extensions={}).interactive == {
        "elicitation": {"url": {}},
        "roots": {},
    }


UI = {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}


def test_the_extensions_a_client_knows_tell_it_from_others_but_not_from_its_like() -> None:
    one, two = caller("one", extensions=UI), caller("two", extensions=UI)
    assert one.identity == two.identity != caller("one").identity
    assert one.told == {"extensions": UI}
    for nothing in ({}, None, [1], {TASKS_EXTENSION: {}}):
        assert caller("one", extensions=nothing).told == {}
    assert caller("one", roots={}, extensions=UI).identity == "one"


def test_settings_do_not_change_what_a_child_offers() -> None:
    told = caller(roots={"listChanged": True}, extensions=UI).told
    assert traits(told) == ["extensions/io.modelcontextprotocol/ui", "roots"]
