"""Children that misbehave, all in one composite: each costs its own tools only, in bounded time and in words."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import graphs
from tests.support.client import Client, Refused
from tests.support.runtime import Runtime, http_server

WELL_S = 10.0
"""How long a call of a well child may take while all the others misbehave; on its own it takes a millisecond."""
LIMITS = {"idle_s": 1.5, "total_s": 6.0, "message_bytes": 8 * 2**20}

WORKING = (
    "cursor-that-never-advances",
    "cursor-that-is-empty",
    "cursor-without-end",
    "tools-listed-twice",
    "tools-of-strange-shapes",
    "schema-that-recurses",
    "definition-that-changes",
    "lists-refused",
    "silent-at-ping",
    "noise-before-the-first-message",
    "noise-between-messages",
    "flood-of-stderr",
    "answers-nobody-asked-for",
    "questions-without-sense",
    "progress-without-end",
    "says-nothing-of-itself",
    "stubborn-with-a-grandchild",
    "tool-names-with-dots",
    "storm-of-changes",
    "five-megabytes",
    "forgets-sessions",
    "frozen-after-first-call",
)
FAILING = (
    "silent-at-calls",
    "frozen-after-first-call",
    "deaf",
    "dies-at-each-call",
    "dies-within-an-answer",
    "closes-its-output",
    "line-without-end",
    "nested-deeply",
    "fails-at-calls",
    "breaks-its-streams",
)
TOOLLESS = {
    "tools-that-are-no-list": "tools",
    "dies-at-once": "the license has expired",
    "dies-at-handshake": "",
    "speaks-an-unknown-version": "1999-01-01",
    "wants-credentials": "401",
    "missing-command": "no-such-command-anywhere",
    "missing-folder": "no-such-folder",
    "nobody-listens": "",
}
"""What has no tools, and a word that the reason must hold."""
SILENT = ("silent-at-start", "silent-at-lists")
ANY_OUTCOME = ("results-of-strange-shapes", "errors-of-strange-shapes", "asks-for-input-without-end")
OVER_HTTP = {"forgets-sessions", "wants-credentials", "fails-at-calls", "breaks-its-streams"}


def tool(trick: str, name: str = "hello") -> str:
    return f"{trick.replace('-', '_')}_{name}"


def node(stack: contextlib.ExitStack, trick: str) -> dict[str, Any]:
    more: dict[str, Any] = {"namespace": trick.replace("-", "_"), "limits": LIMITS}
    if trick in OVER_HTTP:
        return graphs.remote(trick, stack.enter_context(http_server("hostile", trick)), **more)
    if trick == "nobody-listens":
        return graphs.remote(trick, "http://127.0.0.1:9/mcp", **more)
    made = graphs.child(trick, "hostile", trick, **more)
    if trick == "missing-command":
        made["transport"]["command"] = "no-such-command-anywhere"
    if trick == "missing-folder":
        made["transport"]["cwd"] = "/no-such-folder/at/all"
    return made


@pytest.fixture(autouse=True)
def no_process_left() -> None:
    """The runtime outlives the test, and accounts for its processes itself."""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A runtime on a graph of all of them and one well child."""
    folder = tmp_path_factory.mktemp("hostile")
    tricks = dict.fromkeys((*WORKING, *FAILING, *TOOLLESS, *SILENT, *ANY_OUTCOME))
    with contextlib.ExitStack() as stack:
        hostile = [node(stack, trick) for trick in tricks]
        path = graphs.saved(folder, graphs.flat(*hostile, graphs.child("well", "features", "--name", "well")))
        yield stack.enter_context(Runtime(path, http=True, env={"FUSION_HOME": str(folder / "home")}))


@pytest.fixture(scope="module", params=["legacy", pytest.param("modern", marks=pytest.mark.slow)])
def client(request: pytest.FixtureRequest, runtime: Runtime) -> Iterator[Client]:
    # It can be asked nothing, so that all of them serve it on the connection they have.
    with runtime.client(request.param, capabilities={}) as connected:
        runtime.wait_ready("well")
        yield connected


@pytest.fixture
def well(runtime: Runtime, client: Client) -> Iterator[None]:
    """Call the well child all the while, and fail when an answer is late or wrong."""
    over = threading.Event()
    slowest: list[float] = [0.0]
    wrong: list[Any] = []

    def call() -> None:
        with runtime.client(client.era, capabilities={}) as own:
            while not over.wait(0.05):
                start = time.monotonic()
                try:
                    result = own.call("well_echo", {"v": start}, timeout=30)
                except Exception as error:
                    wrong.append(error)
                    return
                slowest.append(time.monotonic() - start)
                if result.get("structuredContent") != {"v": start}:
                    wrong.append(result)

    thread = threading.Thread(target=call)
    thread.start()
    yield
    over.set()
    thread.join()
    assert not wrong
    assert max(slowest) < WELL_S


def outcome(client: Client, name: str, timeout: float = 15.0) -> tuple[bool, str]:
    """Call a tool; return whether it worked, and what it said."""
    try:
        result = client.call(name, timeout=timeout)
    except Refused as refused:
        return False, json.dumps(refused.error)
    return not result.get("isError"), json.dumps(result.get("content"), ensure_ascii=False)


@pytest.mark.parametrize("trick", WORKING)
def test_it_works_in_spite_of(trick: str, client: Client, well: None) -> None:
    client.wait_for_tool(tool(trick))

    for _ in range(1 if trick.startswith("frozen") else 3):
        works, said = outcome(client, tool(trick))
        assert works, said
        assert "hello" in said


@pytest.mark.parametrize("trick", FAILING)
def test_a_call_fails_soon_and_in_words(trick: str, client: Client, well: None) -> None:
    client.wait_for_tool(tool(trick))
    # One freezes a moment after its first answer; quick calls may still come before that.
    patience_s = 5 if trick == "frozen-after-first-call" else 0
    deadline = time.monotonic() + patience_s
    while True:
        start = time.monotonic()
        works, said = outcome(client, tool(trick))
        if not works or start >= deadline:
            break
    assert not works
    assert time.monotonic() - start < 10
    # The words name the child, and hold nothing of how we are made.
    assert trick in said
    assert not any(word in said for word in ("Traceback", "Error(", "object at 0x"))


@pytest.mark.parametrize("trick", ANY_OUTCOME)
def test_nonsense_is_answered_in_bounded_time(trick: str, client: Client, well: None) -> None:
    client.wait_for_tool(tool(trick))

    for _ in range(7):
        start = time.monotonic()
        with contextlib.suppress(Refused):
            client.request("tools/call", {"name": tool(trick), "arguments": {}}, timeout=15)
        assert time.monotonic() - start < 10


@pytest.mark.parametrize(("trick", "word"), TOOLLESS.items())
def test_a_child_that_cannot_serve_says_why(trick: str, word: str, runtime: Runtime, client: Client) -> None:
    def told() -> list[str]:
        changes = runtime.find("child_changed", node=trick)
        return [change["reason"] for change in changes if change["state"] != "starting" and "reason" in change]

    runtime.wait_until(lambda: bool(told()), 8, f"the reason of {trick}")
    assert any(word in reason for reason in told())
    assert not any(name.startswith(trick.replace("-", "_")) for name in client.tools())
    start = time.monotonic()
    works, said = outcome(client, tool(trick))
    assert not works
    assert tool(trick) in said
    # It is known not to serve, so there is nothing to wait for.
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("trick", SILENT)
def test_a_silent_child_holds_up_nobody(trick: str, runtime: Runtime, client: Client, well: None) -> None:
    start = time.monotonic()
    works, _ = outcome(client, tool(trick))
    assert not works
    with runtime.client(client.era, capabilities={}) as another:
        assert "well_echo" in another.tools()
    assert time.monotonic() - start < 10


def test_two_tools_of_one_name_are_one(client: Client) -> None:
    names = [tool["name"] for tool in client.list_all("tools/list", "tools")]

    assert len(names) == len(set(names))


def test_no_tool_of_a_strange_shape_reaches_the_client(client: Client) -> None:
    for definition in client.list_all("tools/list", "tools"):
        assert isinstance(definition["name"], str)
        assert 0 < len(definition["name"]) <= 128
        assert isinstance(definition["inputSchema"], dict)


def test_tools_with_dots_and_slashes_can_each_be_called(client: Client) -> None:
    prefix = tool("tool-names-with-dots", "")
    names = {name for name in client.tools() if name.startswith(prefix)} - {prefix + "hello"}

    answers = sorted(client.call(name)["content"][0]["text"] for name in names)
    assert answers == sorted(["a.b", "a/b", "a b", "ä", "a_b"])


def test_a_list_without_end_ends(client: Client) -> None:
    client.wait_for_tool(tool("cursor-without-end"))
    mine = [name for name in client.tools() if name.startswith("cursor_without_end_")]

    assert 1 <= len(mine) <= 10_000


def test_five_megabytes_arrive_whole(client: Client, well: None) -> None:
    result = client.call(tool("five-megabytes", "five"), timeout=20)

    assert result["content"][0]["text"] == "m" * 5_000_000


def test_a_storm_of_changes_passes(client: Client, well: None) -> None:
    before = len(client.heard("notifications/tools/list_changed"))
    assert client.call(tool("storm-of-changes", "storm"), timeout=20)["content"][0]["text"] == "over"

    assert len(client.heard("notifications/tools/list_changed")) - before < 100


def test_a_line_that_never_ends_costs_bounded_memory(runtime: Runtime, client: Client) -> None:
    outcome(client, tool("line-without-end"))

    peak_kib = next(
        int(line.split()[1])
        for line in Path(f"/proc/{runtime.pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    assert peak_kib < 400 * 1024


def test_what_a_child_prints_is_a_log_of_that_child(runtime: Runtime, client: Client) -> None:
    outcome(client, tool("noise-between-messages"))

    def told() -> bool:
        logs = runtime.find("log", source="noise-between-messages")
        return any("a print that was forgotten" in log["message"] for log in logs)

    runtime.wait_until(told, 5, "the noise")
    # The flood is bounded: not each of its two thousand lines is worth an event of a kilobyte.
    flood = runtime.find("log", source="flood-of-stderr")
    assert max((len(log["message"]) for log in flood), default=0) <= 20_000


def test_after_all_this_nothing_unexpected_happened(runtime: Runtime, client: Client) -> None:
    assert client.call("well_echo", {"v": 1})["structuredContent"] == {"v": 1}
    lines = [event["message"] for event in runtime.events if event["event"] in ("line", "log")]
    assert not [line for line in lines if "Traceback" in line or "unexpected" in line.lower()]
