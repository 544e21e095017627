import json
import subprocess
import sys
from pathlib import Path

import pytest

from composite_runtime.cli import main
from tests.support import graphs
from tests.support.runtime import Runtime


def test_nothing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ps"]) == 0
    assert capsys.readouterr().out == "No runtime is running.\n"
    assert main(["ps", "--follow", "1"]) == 1
    assert "no runtime of yours" in capsys.readouterr().err


def test_runtimes_are_listed_without_the_way_in_and_one_is_followed_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = graphs.saved(tmp_path, graphs.flat(graphs.child("f", "features")))
    with Runtime(path, http=True) as runtime:
        runtime.wait_ready("f")
        assert main(["ps", "--json"]) == 0
        (found,) = json.loads(capsys.readouterr().out)
        assert main(["ps"]) == 0
        table = capsys.readouterr().out
        words = [sys.executable, "-m", "composite_runtime", "ps", "--follow", str(runtime.pid)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, encoding="utf-8") as follower:
            assert follower.stdout is not None
            first = [json.loads(follower.stdout.readline())["event"]]
            while first[-1] != "following":
                first.append(json.loads(follower.stdout.readline())["event"])
            runtime.stop()
            rest = [json.loads(line)["event"] for line in follower.stdout]
            assert follower.wait(10) == 0

    assert (found["pid"], found["graph"], found["url"]) == (runtime.pid, str(path), runtime.url)
    assert not {"secret", "socket", "port"} & set(found)
    assert str(runtime.pid) in table
    assert {"ready", "child_changed"} <= set(first)
    assert rest[-1] == "stopped"
