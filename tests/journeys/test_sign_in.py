"""Signing in to a remote server, end to end: a real authorization server, the command, the runtime."""

import contextlib
import json
import os
import stat
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support import graphs, person
from tests.support.client import Client
from tests.support.runtime import Runtime, http_server

Json = dict[str, Any]


class Vault:
    """The protected server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, **changes: Any) -> Json:
        """Change how it behaves; return what it has seen."""
        place = self.url.removesuffix("/mcp") + "/control"
        with urllib.request.urlopen(place, json.dumps(changes).encode(), timeout=10) as answer:
            told: Json = json.load(answer)
        return told


@pytest.fixture
def vault() -> Iterator[Vault]:
    with http_server("oauth") as url:
        yield Vault(url)


@pytest.fixture
def graph(vault: Vault, tmp_path: Path) -> Path:
    return graphs.saved(tmp_path, graphs.flat(graphs.remote("vault", vault.url, namespace="")))


def opened(client: Client, number: int = 7) -> str:
    content: list[Json] = client.call("open_vault", {"number": number})["content"]
    return str(content[0]["text"])


@contextlib.contextmanager
def signed_in(graph: Path) -> Iterator[tuple[Runtime, Client]]:
    """Sign in, then run."""
    outcome = person.sign_in(graph, "vault")
    assert outcome.code == 0, outcome.complained
    with Runtime(graph, http=False) as runtime, runtime.client("legacy") as client:
        runtime.wait_ready("vault")
        yield runtime, client


def test_a_running_graph_says_who_must_sign_in_and_uses_it_at_once(
    vault: Vault, graph: Path, fusion_home: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "trace.jsonl"
    with Runtime(graph, "--trace", str(trace), http=False) as runtime, runtime.client("legacy") as client:
        told = runtime.wait("child_changed", node="vault", state="failed", action="sign-in")
        refusal = opened(client)
        outcome = person.sign_in(graph, "vault")
        runtime.wait_ready("vault")
        answer = opened(client)

    assert f"composite-runtime sign-in {graph} vault" in told["reason"]
    assert "wants you to sign in" in refusal
    assert (outcome.code, answer) == (0, "gold bar 7")
    assert "You are signed in" in outcome.page
    seen = vault.control()
    assert seen["resources"] == [vault.url]
    kept = fusion_home / "secrets.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 or os.name == "nt"
    token = seen["seen"][-1]
    assert token in kept.read_text()
    public = [graph, trace, *(path for path in fusion_home.rglob("*") if path.is_file() and path != kept)]
    everything = json.dumps(runtime.events) + outcome.said + outcome.complained + "".join(map(Path.read_text, public))
    assert token not in everything
    assert "refresh-" not in everything


@pytest.mark.slow
def test_an_expired_token_is_renewed_before_it_is_refused(vault: Vault, graph: Path) -> None:
    vault.control(lifetime_s=1)
    with signed_in(graph) as (runtime, client):
        runtime.wait_until(lambda: opened(client) != "" and vault.control()["refreshed"] > 1, 15, "a renewal")

        assert opened(client) == "gold bar 7"
        assert runtime.find("child_changed", action="sign-in") == []


@pytest.mark.slow
def test_a_token_that_is_refused_is_renewed_and_the_call_made_again(vault: Vault, graph: Path) -> None:
    with signed_in(graph) as (_, client):
        vault.control(forget=["access"])

        assert opened(client) == "gold bar 7"
        assert vault.control()["refreshed"] == 1


@pytest.mark.slow
def test_many_calls_and_two_runtimes_use_a_refresh_token_once(vault: Vault, graph: Path) -> None:
    with signed_in(graph) as (_, one), Runtime(graph, http=False) as other, other.client("legacy") as two:
        other.wait_ready("vault")
        vault.control(forget=["access"])
        answers: list[str] = []
        workers = [
            threading.Thread(target=lambda c=client, n=n: answers.append(opened(c, n)))  # type: ignore[misc]
            for n, client in enumerate((one, two) * 4)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(20)

        assert sorted(answers) == [f"gold bar {n}" for n in range(8)]
        seen = vault.control()
        assert (seen["refreshed"], seen["reused"]) == (1, 0)


@pytest.mark.slow
def test_a_client_the_server_has_forgotten_is_registered_anew(vault: Vault, graph: Path) -> None:
    with signed_in(graph) as (runtime, client):
        vault.control(forget=["clients", "access", "refresh"])
        assert "sign in again" in opened(client)
        runtime.wait("child_changed", node="vault", action="sign-in")
        outcome = person.sign_in(graph, "vault")
        runtime.wait_until(
            lambda: "action" not in runtime.find("child_changed", node="vault")[-1], 10, "an end of the need"
        )

        assert outcome.code == 0
        assert opened(client) == "gold bar 7"
        assert vault.control()["registered"] == 2


@pytest.mark.slow
def test_whoever_signs_out_is_out_at_once_and_everywhere(vault: Vault, graph: Path, fusion_home: Path) -> None:
    with signed_in(graph) as (_, client):
        assert opened(client) == "gold bar 7"
        assert person.command("sign-ins")[1].startswith(vault.url)
        code, said = person.command("sign-out", str(graph), "vault")

        assert (code, said) == (0, f"Signed out of {vault.url}\n")
        assert vault.control()["revoked"] == 2
        assert "wants you to sign in" in opened(client)
        assert "access-" not in (fusion_home / "secrets.json").read_text()
    assert person.command("sign-out", str(graph), "vault")[0] == 1


@pytest.mark.slow
def test_an_authorization_server_that_is_not_who_it_says_gets_nothing(vault: Vault, graph: Path) -> None:
    vault.control(issuer="https://elsewhere.example")

    outcome = person.sign_in(graph, "vault")

    assert outcome.code == 1
    assert "its metadata is that of another issuer" in outcome.complained
    assert (outcome.opened, vault.control()["registered"]) == ("", 0)


@pytest.mark.slow
def test_a_person_who_does_not_consent_is_told_so(vault: Vault, graph: Path) -> None:
    vault.control(consents=False)

    outcome = person.sign_in(graph, "vault")

    assert outcome.code == 1
    assert "was told not to let Fusion in" in outcome.complained
    assert "You are not signed in" in outcome.page
    assert person.command("sign-ins")[1].startswith("Nobody is signed in")


@pytest.mark.slow
def test_nobody_waits_for_ever(vault: Vault, graph: Path) -> None:
    vault.control(slow_s=20)
    slow = person.sign_in(graph, "vault", "--timeout", "2")
    nobody = person.sign_in(graph, "vault", "--timeout", "1", browser=lambda _: "")

    assert (slow.code, nobody.code) == (1, 1)
    assert "nobody signed in within 2 s" in slow.complained
    assert "nobody signed in within 1 s" in nobody.complained


@pytest.mark.slow
def test_a_server_that_cannot_renew_now_is_tried_again_later(vault: Vault, graph: Path) -> None:
    with signed_in(graph) as (runtime, client):
        vault.control(forget=["access"], token_status=503)
        assert "cannot be renewed" in opened(client)
        vault.control(token_status=200)

        assert opened(client) == "gold bar 7"
        assert runtime.find("child_changed", action="sign-in") == []


@pytest.mark.slow
def test_a_token_goes_to_its_own_server_only(vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = graphs.saved(
        tmp_path, graphs.flat(graphs.remote("vault", "http://127.0.0.1:${env:PORT}/mcp", namespace=""))
    )
    monkeypatch.setenv("PORT", str(urlsplit(vault.url).port))
    assert person.sign_in(graph, "vault").code == 0
    with http_server("oauth") as elsewhere:
        monkeypatch.setenv("PORT", str(urlsplit(elsewhere).port))
        with Runtime(graph, http=False) as runtime, runtime.client("legacy"):
            runtime.wait("child_changed", node="vault", state="failed", action="sign-in")

        assert Vault(elsewhere).control()["seen"] == []


@pytest.mark.slow
def test_without_a_keyring_nobody_is_sent_to_a_browser_for_nothing(vault: Vault, graph: Path) -> None:
    code, said = person.command("sign-in", str(graph), "vault", "--no-browser")

    assert code == 1
    assert "--in-file" in said
    assert vault.control()["registered"] == 0
