"""A person who signs in: runs the command, opens the page it names, and lets the browser come back."""

import contextlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.graphs import ROOT

PATIENCE_S = 30.0


@dataclass(frozen=True)
class Outcome:
    """What the command said and how it ended; `page` is what the browser showed last."""

    code: int
    said: str
    complained: str
    opened: str
    page: str


def browse(url: str) -> str:
    """Open a page as a browser that follows every redirect; return what it shows."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


def sign_in(
    graph: Path,
    node: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    browser: Callable[[str], str] = browse,
) -> Outcome:
    """Sign in to a node; tokens go to the private file."""
    command = [sys.executable, "-m", "composite_runtime", "sign-in", str(graph), node]
    with subprocess.Popen(
        [*command, "--no-browser", "--in-file", "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
    ) as process:
        assert process.stdout is not None
        opened = page = ""
        said = []
        try:
            for line in process.stdout:
                said.append(line)
                if opened := json.loads(line).get("open", opened):
                    with contextlib.suppress(OSError):
                        page = page or browser(opened)
            _, complained = process.communicate(timeout=PATIENCE_S)
        finally:
            if process.poll() is None:
                process.kill()
    return Outcome(process.returncode, "".join(said), complained, opened, page)


def command(*arguments: str) -> tuple[int, str]:
    """Run a command of the runtime; return how it ended and all it said."""
    done = subprocess.run(
        [sys.executable, "-m", "composite_runtime", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout
