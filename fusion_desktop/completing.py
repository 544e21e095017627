"""Fill in what a template asks before it becomes a node: first a dialog, then its secrets are kept, then the node."""

import asyncio
import sys
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from composite_runtime import secrets
from composite_runtime.interop import bundle_download, bundle_file, importing
from composite_runtime.interop.plain_secrets import PlainSecret, Transport
from fusion_desktop import tasks
from fusion_desktop.dialogs.ask import ask
from fusion_desktop.dialogs.prompts import PromptDialog
from fusion_desktop.document import offers
from fusion_desktop.document.template import Template
from fusion_desktop.panels.banner import Choice

Then = Callable[[Template], object]


class Completing(QObject):
    """Nothing is added before its secrets are kept, so that no node starts without what it needs."""

    said = Signal(str)
    asked = Signal(str, tuple)
    """Words about something that went wrong, and choices of what to do about it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window

    def complete(self, template: Template, then: Then) -> None:
        """Call `then` with the template once nothing is missing in it; not at all if the user gives up."""
        if not template.asks:
            then(template)
            return
        if template.download is not None:
            self._offer_download(template, *template.download, then)
            return
        dialog = PromptDialog(template, self._window, stored=secrets.names())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.completed.connect(lambda transport, found: self._take(template, transport, found, then))
        dialog.open()

    def _offer_download(self, template: Template, address: str, digest: str, then: Then) -> None:
        async def fetch() -> None:
            self.said.emit(f"Fetching the bundle of {template.node.name}…")
            path = await asyncio.to_thread(bundle_download.fetched, address, digest)
            found = await asyncio.to_thread(bundle_file.look, path, sys.platform)
            self.complete(offers.of_bundle(found), then)

        def begin() -> None:
            tasks.spawn(fetch(), failed=lambda words: self.asked.emit(sentence(words), ()))

        ask(
            self._window,
            f"Fetch the bundle of {template.node.name}?",
            f"It comes from {address} and is checked against the SHA-256 of its entry. Nothing in it is started yet.",
            {"Fetch": begin, "Cancel": lambda: None},
            default="Cancel",
        )

    def _take(self, template: Template, transport: Transport, found: Sequence[PlainSecret], then: Then) -> None:
        def go_on() -> None:
            then(template.completed(transport))

        bundle = template.bundle
        if bundle is None:
            self.keep(found, go_on)
            return

        async def unpack() -> None:
            await asyncio.to_thread(bundle_file.unpack, bundle)
            self.keep(found, go_on)

        tasks.spawn(unpack(), failed=lambda words: self.asked.emit(sentence(words), ()))

    def keep(
        self, found: Sequence[PlainSecret], then: Callable[[], object] = lambda: None, *, in_file: bool = False
    ) -> None:
        """Store secrets, then go on; where they cannot be stored, the user says what shall become of them."""
        if not found:
            then()
            return

        async def store() -> None:
            await asyncio.to_thread(lambda: importing.store(found, in_file=in_file))
            count = len({secret.name for secret in found})
            then()
            self.said.emit("Stored 1 secret" if count == 1 else f"Stored {count} secrets")

        choices: tuple[Choice, ...] = (("Keep them in a file", lambda: self.keep(found, then, in_file=True)),)
        tasks.spawn(store(), failed=lambda words: self.asked.emit(sentence(words), () if in_file else choices))


def sentence(words: str) -> str:
    """Return words of the runtime as a sentence of the window."""
    return words[:1].upper() + words[1:]
