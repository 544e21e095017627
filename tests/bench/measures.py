"""The measurements. Each returns rows; where two things are compared, they take turns within one round."""

import os
import random
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from tests.bench.target import HttpWire, Setup, Target, direct

Row = dict[str, Any]
PATHS = (("stdio", "stdio"), ("http", "stdio"), ("http", "http"), ("stdio", "http"))
ECHO = {"text": "hello"}
USUAL_BOOT_S = 0.5


@contextmanager
def running(*targets: Target, tools: int = 4) -> Iterator[list[tuple[Target, str]]]:
    """Start the targets; yield each with the prefix of its tools."""
    with ExitStack() as stack:
        ready = []
        for target in targets:
            stack.enter_context(target)
            target.greet()
            echo = next(name for name in target.list_until(tools) if name.endswith("echo"))
            ready.append((target, echo.removesuffix("echo")))
        yield ready


def _names(setup: Setup) -> list[str]:
    return ["ours", *setup.others]


def latency(setup: Setup, rounds: int) -> list[Row]:
    """One call at a time: CPU of the composite, and time added to the direct call."""
    rows = []
    for front, kind in PATHS:
        targets = [setup.target(name, front, kind) for name in _names(setup)]
        with running(direct(kind), *targets) as ready:
            taken: dict[str, list[tuple[float, float]]] = {target.name: [] for target, _ in ready}
            every: dict[str, list[float]] = {target.name: [] for target, _ in ready}
            for target, prefix in ready:
                _burst(target, prefix, 300)
            for _ in range(rounds):
                for target, prefix in random.sample(ready, len(ready)):
                    cpu = target.cpu_s()
                    times = _burst(target, prefix, 100)
                    every[target.name] += times
                    taken[target.name].append((statistics.median(times), (target.cpu_s() - cpu) / 100))
        base = taken.pop("direct")
        for name, mine in taken.items():
            added = statistics.median(a - b for (a, _), (b, _) in zip(mine, base, strict=True))
            rows.append(
                {
                    "path": f"{front} -> {kind}",
                    "who": name,
                    "CPU us": round(statistics.median(cpu for _, cpu in mine) * 1e6),
                    "added p50 us": round(added * 1e6),
                    "p50 / direct": round(
                        statistics.median(a / b for (a, _), (b, _) in zip(mine, base, strict=True)), 2
                    ),
                    "p99 us": round(_p99(every[name]) * 1e6),
                    "p99 / direct": round(_p99(every[name]) / _p99(every["direct"]), 2),
                }
            )
    return rows


def _p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def _burst(target: Target, prefix: str, count: int) -> list[float]:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        target.request("tools/call", {"name": f"{prefix}echo", "arguments": ECHO})
        times.append(time.perf_counter() - began)
    return times


def throughput(setup: Setup, rounds: int) -> list[Row]:
    """Sixty-four calls in flight, batch by batch."""
    rows = []
    for front, kind in PATHS:
        with running(direct(kind), *(setup.target(name, front, kind) for name in _names(setup))) as ready:
            rates: dict[str, list[float]] = {target.name: [] for target, _ in ready}
            batches = {target.name: _batch(target, prefix) for target, prefix in ready}
            for _ in range(rounds):
                for target, _ in random.sample(ready, len(ready)):
                    began = time.perf_counter()
                    for _ in range(5):
                        batches[target.name]()
                    rates[target.name].append(5 * 64 / (time.perf_counter() - began))
        for name, mine in rates.items():
            rows.append({"path": f"{front} -> {kind}", "who": name, "calls/s": round(statistics.median(mine))})
    return rows


def _batch(target: Target, prefix: str) -> Callable[[], None]:
    wire = target.wire
    wires = [wire.another() for _ in range(64)] if isinstance(wire, HttpWire) else [wire] * 64

    def once() -> None:
        for each in wires:
            each.ask(target.body("tools/call", {"name": f"{prefix}echo", "arguments": ECHO}))
        for each in wires:
            each.read()

    return once


def cold(setup: Setup, rounds: int) -> list[Row]:
    """From launch to the first whole list of children that take half a second to start, nothing being remembered.

    The bar is 1.3 times the slowest child alone, and 30 ms for each child.
    """
    rows = []
    for children in (1, 10, 50):
        repeats = max(1, rounds // 4) if children < 50 else 2
        alone = statistics.median(_listed_s(direct("stdio", boot_s=USUAL_BOOT_S), 4) for _ in range(3))
        for name in _names(setup):
            taken = []
            for number in range(repeats):
                fresh = replace(setup, folder=setup.folder / f"cold-{children}-{number}", boot_s=USUAL_BOOT_S)
                taken.append(_listed_s(fresh.target(name, "stdio", "stdio", children), 4 * children))
            bar = 1.3 * alone + 0.03 * children
            listed = statistics.median(taken)
            rows.append(
                {
                    "children": children,
                    "who": name,
                    "list s": round(listed, 3),
                    "alone s": round(alone, 3),
                    "list / bar": round(listed / bar, 2),
                }
            )
    return rows


def _listed_s(target: Target, tools: int) -> float:
    with target:
        target.greet()
        target.list_until(tools)
        return time.perf_counter() - target.began


def fairness(setup: Setup, rounds: int) -> list[Row]:
    """The median of a quick child's calls while sixteen calls wait for a slow child, against the same without them."""
    rows = []
    for name in _names(setup):
        with running(setup.target(name, "http", "stdio", 2), tools=8) as ((target, _),):
            assert isinstance(target.wire, HttpWire)
            slow, quick = sorted(tool for tool in target.list_until(8) if tool.endswith("echo"))
            others = [target.wire.another() for _ in range(16)]
            wanted = {"name": slow, "arguments": {"seconds": 0.02}}
            ratios = []
            _burst(target, quick.removesuffix("echo"), 100)
            for _ in range(rounds):
                alone = statistics.median(_burst(target, quick.removesuffix("echo"), 60))
                for other in others:
                    other.ask(target.body("tools/call", wanted))
                beside = statistics.median(_burst(target, quick.removesuffix("echo"), 60))
                for other in others:
                    other.read()
                ratios.append(beside / alone)
            for other in others:
                other.close()
        rows.append({"who": name, "with / without": round(statistics.median(ratios), 2)})
    return rows


def recovery(setup: Setup, rounds: int) -> list[Row]:
    """From `kill -9` of a child to its next good answer, and what happens to another child meanwhile."""
    own = statistics.median(_listed_s(direct("stdio"), 4) for _ in range(5))
    with running(setup.target("ours", "stdio", "stdio", 2), tools=8) as ((target, _),):
        victim, other = sorted(tool for tool in target.list_until(8) if tool.endswith("echo"))
        taken, failed = [], 0
        for _ in range(rounds):
            told = target.request("tools/call", {"name": victim.removesuffix("echo") + "lookup", "arguments": {}})
            os.kill(int(told["content"][0]["text"]), signal.SIGKILL)
            began = time.perf_counter()
            while not _works(target, victim):
                failed += not _works(target, other)
            taken.append(time.perf_counter() - began)
            failed += not _works(target, other)
    return [
        {
            "who": "ours",
            "next good call s": round(statistics.median(taken), 3),
            "longest s": round(max(taken), 3),
            "child's own start s": round(own, 3),
            "failed calls of the other": failed,
        }
    ]


def _works(target: Target, tool: str) -> bool:
    try:
        target.request("tools/call", {"name": tool, "arguments": ECHO})
    except RuntimeError:
        return False
    return True


def lists(setup: Setup, rounds: int) -> list[Row]:
    """The list of a hundred children with twenty tools each, once it is known."""
    targets = [setup.target(name, "stdio", "stdio", 100, 20) for name in _names(setup)]
    rows = []
    for target in targets:
        with running(target, tools=2000):
            times, cpu = [], target.cpu_s()
            for _ in range(rounds * 4):
                began = time.perf_counter()
                target.wire.ask(target.body("tools/list", {}))
                size = len(target.wire.read())
                times.append(time.perf_counter() - began)
            each = (target.cpu_s() - cpu) / len(times)
            rows.append(
                {
                    "who": target.name,
                    "KB": size // 1024,
                    "p50 ms": round(statistics.median(times) * 1e3, 2),
                    "CPU ms": round(each * 1e3, 2),
                }
            )
    return rows


def start(setup: Setup, rounds: int) -> list[Row]:
    """From launch to the answer of `initialize`, and to the whole list."""
    rows = []
    for children, flags in ((1, ()), (10, ()), (50, ()), (5, ("--hang",))):
        for name in _names(setup):
            if flags and name != "ours":
                continue  # others may wait for ever
            greeted, listed, cpu = [], [], []
            for _ in range(max(1, rounds // 4) if children < 50 else 1):
                with setup.target(name, "stdio", "stdio", children, 4, *flags) as target:
                    target.greet()
                    greeted.append(time.perf_counter() - target.began)
                    target.list_until(4 * children)
                    listed.append(time.perf_counter() - target.began)
                    cpu.append(target.cpu_s())
            rows.append(
                {
                    "children": f"{children} and one that hangs" if flags else children,
                    "who": name,
                    "initialize s": round(statistics.median(greeted), 3),
                    "list s": round(statistics.median(listed), 3),
                    "CPU s": round(statistics.median(cpu), 3),
                }
            )
    return rows


def memory(setup: Setup, rounds: int) -> list[Row]:
    """Resident memory of the composite with idle children, and its growth over calls."""
    rows = []
    for children in (1, 10, 100):
        for name in _names(setup):
            with running(setup.target(name, "stdio", "stdio", children), tools=4 * children) as ((target, _),):
                rows.append({"children": children, "who": name, "front": "stdio", "RSS MB": _mb(target.memory_kb())})
    for front in ("stdio", "http"):
        with running(setup.target("ours", front, "stdio")) as ((target, prefix),):
            _burst(target, prefix, 2000)
            before = target.memory_kb()
            _burst(target, prefix, 1000 * rounds)
            grown = (target.memory_kb() - before) / rounds
            rows.append({"children": 1, "who": "ours", "front": front, "growth KB per 1,000 calls": round(grown, 1)})
    return rows


def payload(setup: Setup, rounds: int) -> list[Row]:
    """Results of 5 MB: time against the direct call, CPU, and how far memory rises above where it was."""
    rows = []
    for front, kind in PATHS[:3]:
        with running(direct(kind), *(setup.target(name, front, kind) for name in _names(setup))) as ready:
            taken: dict[str, list[float]] = {target.name: [] for target, _ in ready}
            used: dict[str, float] = {}
            before = {target.name: target.memory_kb() for target, _ in ready}
            for _ in range(rounds):
                for target, prefix in random.sample(ready, len(ready)):
                    began, cpu = time.perf_counter(), target.cpu_s()
                    target.wire.ask(
                        target.body("tools/call", {"name": f"{prefix}payload", "arguments": {"size": 5_000_000}})
                    )
                    target.wire.read()
                    taken[target.name].append(time.perf_counter() - began)
                    used[target.name] = used.get(target.name, 0.0) + target.cpu_s() - cpu
            for target, _ in ready[1:]:
                ratios = (a / b for a, b in zip(taken[target.name], taken["direct"], strict=True))
                rows.append(
                    {
                        "path": f"{front} -> {kind}",
                        "who": target.name,
                        "time / direct": round(statistics.median(ratios), 2),
                        "CPU ms": round(used[target.name] / rounds * 1e3, 1),
                        "stays MB": _mb(target.memory_kb() - before[target.name]),
                        "peak MB": _mb(target.memory_kb("VmHWM") - before[target.name]),
                    }
                )
    return rows


def _mb(kb: int) -> float:
    return round(kb / 1024, 1)


ALL: dict[str, Callable[[Setup, int], list[Row]]] = {
    "latency": latency,
    "throughput": throughput,
    "list": lists,
    "start": start,
    "memory": memory,
    "payload": payload,
    "cold": cold,
    "fairness": fairness,
    "recovery": recovery,
}
