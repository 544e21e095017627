"""Signing in from the window: said on the node, done by a click, used by what runs."""

import asyncio
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from composite_runtime.auth import store
from composite_runtime.events import ChildChanged, ChildState
from composite_runtime.graph.edit import new_graph
from composite_runtime.graph.model import Box, CompositeNode, Edge, HttpTransport, ServerNode
from fusion_desktop.app import Program
from fusion_desktop.canvas.state import State
from fusion_desktop.dialogs.sign_in import SignInDialog
from tests.fusion_desktop.pointer import Pointer
from tests.fusion_desktop.run.servers import until
from tests.support import person
from tests.support.runtime import http_server


@pytest.fixture
def url() -> Iterator[str]:
    with http_server("oauth") as where:
        yield where


def load(program: Program, url: str) -> None:
    vault = ServerNode(id="vault", name="Vault", transport=HttpTransport(url=url))
    box = CompositeNode(id="box", name="Box")
    layout = {"box": Box(x=0, y=0, width=360, height=180), "vault": Box(x=40, y=70)}
    edges = (Edge(source="vault", target="box"),)
    program.document.load(new_graph().but(nodes=(vault, box), edges=edges, layout=layout))
    program.window.editing.fit()


def needs(program: Program, action: str | None) -> None:
    reason = "it wants you to sign in" if action else None
    program.status.show(ChildChanged(node="vault", state=ChildState.FAILED, reason=reason, action=action))


def test_what_waits_for_a_sign_in_is_said_everywhere_and_goes_again(program: Program) -> None:
    load(program, "https://vault.example/mcp")
    window = program.window
    before = window.problems.list.model().rowCount()
    needs(program, "sign-in")

    assert "Vault wants you to sign in" in window.banner.text
    assert window.problems.list.model().rowCount() == before + 1
    assert window.problems.list.model().index(0, 0).data().endswith("Vault wants you to sign in")
    needs(program, None)
    assert window.problems.list.model().rowCount() == before
    assert not window.banner.isVisible()


async def test_a_dialog_that_is_closed_gives_up(program: Program, qtbot: QtBot) -> None:
    load(program, "http://127.0.0.1:9/mcp")
    program.window.signing.sign_in("vault")
    dialog = program.window.findChild(SignInDialog)
    assert dialog is not None
    dialog.in_file.click()
    await until(lambda: "cannot be reached" in dialog.words.text())

    assert dialog.again.isVisible()
    dialog.end.click()
    await until(lambda: program.window.findChild(SignInDialog) is None)


@pytest.mark.slow
async def test_a_click_on_the_node_signs_in_and_what_runs_goes_on(program: Program, qtbot: QtBot, url: str) -> None:
    load(program, url)
    window = program.window
    window.actions_table["run.start"].trigger()
    await until(lambda: window.scene.state_of("vault") is State.SIGN_IN)
    item = window.scene.thing("vault")
    assert item is not None
    Pointer(window.view).click(item.pos().x() + 70, item.pos().y() + 42)
    dialog = window.findChild(SignInDialog)
    assert dialog is not None
    pages: list[str] = []
    dialog._browser = pages.append
    await until(dialog.in_file.isVisible)
    dialog.in_file.click()
    await until(lambda: bool(pages))
    page = await asyncio.to_thread(person.browse, pages[0])
    await until(lambda: dialog.end.text() == "Done")
    dialog.end.click()
    await until(lambda: window.scene.state_of("vault") is State.READY)

    assert "You are signed in" in page
    window.scene.select(["vault"])
    field = window.properties.node_page.sign_in
    await until(lambda: "since" in field.words.text())
    field.sign_out.click()
    await until(lambda: not store.entries())
    await until(lambda: "Nobody" in field.words.text())
    await program.running.end()
