"""`composite-runtime serve`: its arguments, and what it tells."""

import os
from pathlib import Path

import pytest

from composite_runtime.cli import main
from tests.support.children import node
from tests.support.raw_runtime import running, saved


@pytest.mark.parametrize(
    "words",
    [["--http", "nonsense"], ["--http", "127.0.0.1:99999"], ["--stdio", "--http", "127.0.0.1:0"], ["--nonsense"]],
)
def test_wrong_usage_is_told_and_is_an_exit_code(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", str(saved(tmp_path, node())), *words])
    assert caught.value.code == 2
    assert "usage: composite-runtime" in capsys.readouterr().err


async def test_without_a_supervisor_it_speaks_to_people(tmp_path: Path) -> None:
    dead = node("dead", die=["initialize", "server/discover"])
    async with running(saved(tmp_path, node(), dead), "--http", "127.0.0.1:0", supervised=False) as runtime:
        assert (await runtime.event("serving at")).startswith("serving at http://127.0.0.1:")
        assert "dead is retrying: it ended with exit code 3" in await runtime.event("retrying")
        assert "[dead] dying at" in await runtime.event("[dead]")
        runtime.process.terminate()
        assert await runtime.ended() == 0
        assert not any(line.startswith("{") for line in runtime.told)


async def test_the_end_of_stdin_does_not_end_it_over_http_without_a_supervisor(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node()), "--http", "127.0.0.1:0", supervised=False) as runtime:
        await runtime.event("serving at")
        runtime.close()
        assert not await runtime.ends_within(0.5)
        runtime.process.terminate()
        assert await runtime.ended() == 0


async def test_nobody_who_listens_to_its_words_does_not_stop_it(tmp_path: Path) -> None:
    async with running(saved(tmp_path, node())) as runtime:
        runtime.stop_listening()
        await runtime.initialize()
        runtime.request("1", "tools/call", name="echo", arguments={})
        assert "result" in await runtime.answer("1")


async def test_a_supervisor_that_does_not_read_does_not_hold_up_the_calls(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    try:
        async with running(saved(tmp_path, node()), stderr=theirs) as runtime:
            os.close(theirs)
            await runtime.initialize()
            for number in range(300):  # some four times what the pipe holds
                runtime.request(number, "tools/call", name="echo", arguments={})
                await runtime.answer(number)
            runtime.close()
            assert await runtime.ended() == 0
    finally:
        os.close(ours)
