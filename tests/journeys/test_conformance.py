"""The official conformance suite: on the fixture itself, and through the composite in front of it."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import graphs, npm
from tests.support.runtime import Runtime, http_server

OLD, NEW = "0.1.16", "0.2.0-alpha.12"
SETS = {
    "2025 by the released suite": (OLD, "--suite", "all"),
    "2025-11-25": (NEW, "--requirements", "2025-11-25"),
    "2026-07-28": (NEW, "--requirements", "2026-07-28"),
}
CLIENT_SCENARIOS = {
    "2025-11-25": ("initialize", "tools_call", "elicitation-sep1034-client-defaults", "sse-retry"),
    "2026-07-28": (
        "tools_call",
        "request-metadata",
        "sep-2322-client-request-state",
        "http-standard-headers",
        "http-custom-headers",
        "http-invalid-tool-headers",
        "json-schema-ref-no-deref",
    ),
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def no_process_left() -> None:
    """The targets outlive a test, and account for their processes themselves."""


@contextlib.contextmanager
def served(folder: Path, document: graphs.Json) -> Iterator[str]:
    # The suite sends no token, so there must be none; loopback clients are let in without.
    environment = {"FUSION_HOME": str(folder / "home"), "FUSION_TOKEN": ""}
    with Runtime(graphs.saved(folder, document), http=True, env=environment) as runtime:
        runtime.wait_ready("fixture")
        yield runtime.url


def nested(node: graphs.Json) -> graphs.Json:
    """Return a graph of three composites inside one another, and the fixture innermost."""
    nodes = [node, *(graphs.composite(name, namespace="") for name in ("inner", "middle", "outer"))]
    edges = [graphs.edge("fixture", "inner"), graphs.edge("inner", "middle"), graphs.edge("middle", "outer")]
    return graphs.graph(nodes, edges)


@pytest.fixture(scope="module", params=["fixture", "http child", "stdio child", "nested"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the suite finds its server."""
    folder = tmp_path_factory.mktemp("conformance")
    over_stdio = graphs.child("fixture", "conformance", namespace="")
    with contextlib.ExitStack() as stack:
        if request.param in ("fixture", "http child"):
            where = stack.enter_context(http_server("conformance"))
            if request.param == "http child":
                where = stack.enter_context(served(folder, graphs.flat(graphs.remote("fixture", where, namespace=""))))
        elif request.param == "stdio child":
            where = stack.enter_context(served(folder, graphs.flat(over_stdio)))
        else:
            where = stack.enter_context(served(folder, nested(over_stdio)))
        yield where


def suite(version: str, *arguments: str) -> str:
    """Run the suite; return what it printed, or fail with the lines that tell what did not pass."""
    package = npm.package("@modelcontextprotocol/conformance", version)
    command = [npm.node(), str(package / "dist" / "index.js"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, cwd=graphs.ROOT, check=False)
    wrong = [line for line in done.stdout.splitlines() if re.match(r"\s*(✗|Total|Passed)", line)]
    assert done.returncode == 0, "\n".join([*wrong, done.stdout[-3000:], done.stderr[-2000:]])
    return done.stdout


@pytest.mark.parametrize("chosen", SETS)
def test_every_scored_server_scenario_passes(chosen: str, url: str, tmp_path: Path) -> None:
    version, *arguments = SETS[chosen]
    printed = suite(version, "server", "--url", url, *arguments, "-o", str(tmp_path))

    assert "Total: 0 passed" not in printed


@pytest.mark.parametrize(
    ("revision", "scenario"), [(revision, name) for revision, names in CLIENT_SCENARIOS.items() for name in names]
)
def test_every_client_scenario_passes_through_the_composite(revision: str, scenario: str, tmp_path: Path) -> None:
    command = f"{sys.executable} -m tests.support.conformance_client"
    arguments = ["client", "--command", command, "--scenario", scenario, "--spec-version", revision]
    suite(NEW, *arguments, "--timeout", "60000", "-o", str(tmp_path))

    # A scenario that never saw the client would pass for want of anything to complain about.
    assert any(path.stat().st_size > 2 for path in tmp_path.rglob("checks.json"))
