"""A screen reader for tests: it speaks AT-SPI over D-Bus, as Orca does, and knows nothing of the program but that."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

LAUNCHERS = ("/usr/libexec/at-spi-bus-launcher", "/usr/lib/at-spi2-core/at-spi-bus-launcher")
STATES = {8: "enabled", 11: "focusable", 12: "focused", 22: "selectable", 23: "selected", 25: "showing", 30: "visible"}
_ACCESSIBLE = "org.a11y.atspi.Accessible"
_KEY_SYM = 3
"""How a key is given to assistive technology: by its meaning, pressed and released."""
_REGISTRY = ("org.a11y.atspi.Registry", "/org/a11y/atspi/registry")
_DBUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus")
_ROOT = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")


@contextmanager
def buses(folder: Path) -> Iterator[dict[str, str]]:
    """Run a session bus and the bus of assistive technology, and give the environment that leads to both."""
    launcher = next((name for name in LAUNCHERS if Path(name).exists()), None)
    daemon = shutil.which("dbus-daemon")
    if launcher is None or daemon is None:
        pytest.skip("needs dbus-daemon and at-spi2-core")
    folder.mkdir(mode=0o700)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "XDG_CACHE_HOME": str(folder)}
    command = [daemon, "--session", "--nofork", "--print-address=1"]
    with _running(command, environment, stdout=subprocess.PIPE) as bus:
        assert bus.stdout is not None
        environment["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()
        with _running([launcher, "--launch-immediately"], environment):
            yield environment


@contextmanager
def _running(
    command: list[str], environment: dict[str, str], stdout: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, env=environment, stdout=stdout, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass(frozen=True)
class Thing:
    """One accessible object, and what the reader knows of it."""

    reference: tuple[str, str]
    name: str
    role: str
    states: frozenset[str]
    depth: int
    parent_role: str


class Reader:
    """Reads everything that programs tell on the bus of assistive technology."""

    def __init__(self, environment: dict[str, str]) -> None:
        jeepney = pytest.importorskip("jeepney")
        blocking = pytest.importorskip("jeepney.io.blocking")
        self._jeepney: Any = jeepney
        session = blocking.open_dbus_connection(bus=environment["DBUS_SESSION_BUS_ADDRESS"])
        bus_of_buses = ("org.a11y.Bus", "/org/a11y/bus")
        try:
            bus = self._until(lambda: self._ask(session, bus_of_buses, "org.a11y.Bus.GetAddress"))
        finally:
            session.close()
        self._bus: Any = blocking.open_dbus_connection(bus=bus[0])

    def close(self) -> None:
        """Leave the bus."""
        self._bus.close()

    def things(self, *, hidden: bool = False) -> list[Thing]:
        """Return everything in every program, outside before inside; what is not shown only when `hidden` is wanted."""
        return [thing for program in self._children(_ROOT) for thing in self._walk(program, 0, "", hidden=hidden)]

    def press(self, name: str) -> None:
        """Press the button with this name, as soon as there is one."""

        def found() -> Thing | None:
            return next((t for t in self.things() if t.name.startswith(name) and "button" in t.role), None)

        thing = self._until(found)
        self._ask(self._bus, thing.reference, "org.a11y.atspi.Action.DoAction", i=0)

    def key(self, keysym: int) -> None:
        """Let assistive technology press a key of the keyboard, given by its X keysym."""
        keyboard = ("org.a11y.atspi.Registry", "/org/a11y/atspi/registry/deviceeventcontroller")
        method = "org.a11y.atspi.DeviceEventController.GenerateKeyboardEvent"
        self._ask(self._bus, keyboard, method, i=keysym, s="", u=_KEY_SYM)

    @contextmanager
    def announcements(self) -> Iterator[list[str]]:
        """Collect what programs announce while the block runs; `read` what has come meanwhile to see it."""
        rule = self._jeepney.MatchRule(type="signal", interface="org.a11y.atspi.Event.Object", member="Announcement")
        self._ask(self._bus, _REGISTRY, "org.a11y.atspi.Registry.RegisterEvent", s="object:announcement")
        self._ask(self._bus, _DBUS, "org.freedesktop.DBus.AddMatch", s=rule.serialise())
        heard: list[str] = []
        with self._bus.filter(rule) as queue:
            yield heard
            heard += [message.body[3][1] for message in queue]

    def until(self, claim: Callable[[list[Thing]], object], limit_s: float = 30.0) -> list[Thing]:
        """Read again and again until a claim about what is read is true."""

        def read() -> list[Thing] | None:
            things = self.things()
            return things if claim(things) else None

        return self._until(read, limit_s)

    def _walk(self, reference: tuple[str, str], depth: int, parent_role: str, *, hidden: bool) -> Iterator[Thing]:
        try:
            (role,) = self._ask(self._bus, reference, f"{_ACCESSIBLE}.GetRoleName")
            (words,) = self._ask(self._bus, reference, f"{_ACCESSIBLE}.GetState")
            name = self._ask(self._bus, reference, "org.freedesktop.DBus.Properties.Get", s=_ACCESSIBLE, s2="Name")
            states = frozenset(word for bit, word in STATES.items() if words[bit // 32] >> bit % 32 & 1)
            children = self._children(reference)
        except LookupError:
            return  # gone while it was read
        if depth > 1 and not hidden and "showing" not in states:
            return
        yield Thing(reference, name[0][1], role, states, depth, parent_role)
        for child in children:
            yield from self._walk(child, depth + 1, role, hidden=hidden)

    def _children(self, reference: tuple[str, str]) -> list[tuple[str, str]]:
        (children,) = self._ask(self._bus, reference, f"{_ACCESSIBLE}.GetChildren")
        return [(name, path) for name, path in children]

    def _ask(self, bus: Any, to: tuple[str, str], method: str, **body: object) -> Any:
        """Call a method; the first letter of each argument's name is its D-Bus type."""
        interface, _, member = method.rpartition(".")
        address = self._jeepney.DBusAddress(to[1], bus_name=to[0], interface=interface)
        signature = "".join(name[0] for name in body) or None
        call = self._jeepney.new_method_call(address, member, signature, tuple(body.values()))
        reply = bus.send_and_get_reply(call, timeout=10)
        if reply.header.message_type is self._jeepney.MessageType.error:
            raise LookupError(f"{method} of {to}: {reply.body}")
        return reply.body

    @staticmethod
    def _until(found: Callable[[], Any], limit_s: float = 20.0) -> Any:
        end = time.monotonic() + limit_s
        while True:
            try:
                result = found()
            except LookupError:
                result = None
            if result:
                return result
            if time.monotonic() > end:
                pytest.fail("the screen reader did not find in time what it waited for")
            time.sleep(0.1)  # another program is asked; it does not tell
