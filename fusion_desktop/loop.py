"""The event loop that runs coroutines and Qt at once, and closes the asynchronous generators nobody ran to the end."""

import sys

import qasync

from fusion_desktop.garbage import collected_here


class EventLoop(qasync.QEventLoop):  # type: ignore[misc]  # qasync is untyped
    """As asyncio's own loops do and qasync's does not, it sees to generators that are dropped halfway.

    The SDK leaves those of a response's stream so. Without a loop to close them, the collector breaks them off
    wherever it comes by, and what they would have awaited to clean up is left undone.
    """

    def run_forever(self) -> int:
        """Run until stopped; meanwhile garbage is collected in this thread only."""
        before = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook)
        try:
            with collected_here():
                result: int = super().run_forever()
            return result
        finally:
            sys.set_asyncgen_hooks(*before)

    def close(self) -> None:
        """Close the generators that are still open, then the loop."""
        if not self.is_closed():
            self.run_until_complete(self.shutdown_asyncgens())
        super().close()
