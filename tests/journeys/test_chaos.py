"""Twenty children that are killed, hang and come back under concurrent calls: nothing wrong, stuck or left behind."""

import contextlib
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import processes
from tests.support import graphs
from tests.support.client import Client, Refused
from tests.support.runtime import Runtime

CHILDREN = 20
PATIENCE_S = 12.0
"""No call may take longer, whatever happens to its child; a child's own limit without a sign of life is 4 s."""


@pytest.fixture(autouse=True)
def no_process_left() -> None:
    """The runtime accounts for its own processes."""


@dataclass
class Tally:
    """What came of the calls."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


def call_around(client: Client, tally: Tally, seed: int) -> None:
    """Call random children at random until it is over; note each answer that is not exactly the one asked for."""
    dice = random.Random(seed)
    number = 0
    while not tally.over.is_set():
        number += 1
        child, nonce = f"c{dice.randrange(CHILDREN)}", f"{seed}.{number}"
        tool = dice.choices(("who", "steps", "hang", "die", "grow"), (60, 20, 2, 2, 1))[0]
        arguments = {"nonce": nonce, "count": 5, "seconds": dice.choice((0, 0, 0.05))}
        params = {"name": f"{child}_{tool}", "arguments": arguments}
        try:
            pending = client.start("tools/call", params, progress=f"p{nonce}")
            if tool == "hang" and dice.random() < 0.5:
                pending.cancel()
                tally.counts["cancelled"] += 1
                continue
            result = pending.result(PATIENCE_S)
        except Late:
            tally.wrong.append(f"no answer within {PATIENCE_S} s: {params}")
            continue
        except Refused as refused:
            tally.counts["refused"] += 1
            if not refused.error.get("message"):
                tally.wrong.append(f"an error without words: {refused.error}")
            continue
        judge(result, child, nonce, tool, tally)
        for step in pending.progress():
            if step.get("message") != f"{child} {nonce}":
                tally.wrong.append(f"progress of another call: {step}")


def judge(result: graphs.Json, child: str, nonce: str, tool: str, tally: Tally) -> None:
    said = result["content"][0]["text"]
    if result.get("isError"):
        tally.counts["failed in words"] += 1
        if not said:
            tally.wrong.append("a failure without words")
        return
    tally.counts["answered"] += 1
    if tool in ("who", "steps"):
        told = json.loads(said)
        if (told["name"], told["nonce"]) != (child, nonce):
            tally.wrong.append(f"asked {child} {nonce}, got {told}")
    elif tool in ("hang", "die"):
        tally.wrong.append(f"{tool} was answered: {said}")


def make_trouble(runtime: Runtime, tally: Tally) -> None:
    """Kill children, and freeze others for a while."""
    dice = random.Random(7)
    frozen: list[int] = []
    while not tally.over.wait(0.3):
        victims = serving(runtime)
        if len(frozen) > 2:
            send(frozen.pop(0), signal.SIGCONT)
        trouble = dice.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP))
        if victims:
            victim = dice.choice(victims)
            send(victim, trouble)
            tally.counts[trouble.name] += 1
            if trouble is signal.SIGSTOP:
                frozen.append(victim)


def send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def serving(runtime: Runtime) -> list[int]:
    """Return the processes of the children."""
    return [pid for pid in processes.descendants(runtime.pid) if "unreliable" in processes.command_line(pid)]


def resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


LONG = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.mark.parametrize(
    ("seconds", "era"),
    [(3, "modern"), pytest.param(60, "legacy", marks=LONG), pytest.param(60, "modern", marks=LONG)],
)
def test_nothing_goes_wrong_in_chaos(seconds: int, era: str, tmp_path: Path) -> None:
    eras = ("legacy", "modern", "dual")
    limits = {"idle_s": 4.0, "total_s": 8.0}
    children = [
        graphs.child(f"c{n}", "unreliable", "--name", f"c{n}", "--era", eras[n % 3], limits=limits)
        for n in range(CHILDREN)
    ]
    tally = Tally()
    with Runtime(graphs.saved(tmp_path, graphs.flat(*children)), http=True) as runtime:
        clients = []
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                clients.append(stack.enter_context(runtime.client(era, capabilities={})))
            runtime.wait_ready(*(f"c{n}" for n in range(CHILDREN)), timeout=30)
            before, files_before = resident_kib(runtime.pid), open_files(runtime.pid)
            callers = [
                threading.Thread(target=call_around, args=(clients[seed % 4], tally, seed), name=f"caller {seed}")
                for seed in range(12)
            ]
            callers.append(threading.Thread(target=make_trouble, args=(runtime, tally), name="trouble"))
            for thread in callers:
                thread.start()
            time.sleep(seconds)
            tally.over.set()
            for thread in callers:
                thread.join(PATIENCE_S + 5)
            assert not [thread.name for thread in callers if thread.is_alive()]
            assert not tally.wrong
            assert tally.counts["answered"] > 20 * seconds, tally.counts
            everyone_answers(clients[0], runtime)
            # A process per child, or two where a child is addressed in both eras; and nothing piles up.
            assert not processes.wait_until_gone(lambda: set(serving(runtime)[CHILDREN + CHILDREN // 3 + 1 :]), 10)
            assert open_files(runtime.pid) <= files_before + 30
            assert resident_kib(runtime.pid) <= before + 40 * 1024


def everyone_answers(client: Client, runtime: Runtime) -> None:
    """Let the frozen go on, and expect that every child is back."""
    for pid in serving(runtime):
        send(pid, signal.SIGCONT)
    for number in range(CHILDREN):

        def answers(number: int = number) -> bool:
            try:
                result = client.call(f"c{number}_who", {"nonce": "last"}, timeout=PATIENCE_S)
            except Refused:
                return False
            return not result.get("isError")

        client.wait(answers, 40, f"child {number} to be back")
