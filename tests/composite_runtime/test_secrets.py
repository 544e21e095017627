import io
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.backends.SecretService
import keyring.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composite_runtime import secrets
from composite_runtime.cli import main
from composite_runtime.errors import FusionError, SecretMissing
from composite_runtime.graph import edit, file
from composite_runtime.graph.model import CompositeNode, ServerNode, StdioTransport
from composite_runtime.secrets.redaction import Redactor
from composite_runtime.secrets.references import substitute

TOKEN = "hunter2-hunter2"


class MemoryKeyring(keyring.backend.KeyringBackend):
    """What a system keyring does, without a system. Its priority keeps it from being chosen unasked."""

    priority = -1  # type: ignore[assignment]  # a class property in the base
    longest: int | None = None

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.longest is not None and len(password.encode("utf-16-le")) > self.longest:
            raise OSError(1783, f"CredWrite {password}")
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.held:
            raise keyring.errors.PasswordDeleteError("none")
        del self.held[service, username]


class SystemKeyring(MemoryKeyring):
    __module__ = "keyring.backends.SecretService"


class LockedKeyring(SystemKeyring):
    __module__ = "keyring.backends.SecretService"

    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked("Failed to unlock the collection!")

    set_password = get_password  # type: ignore[assignment]


class PlaintextKeyring(MemoryKeyring):
    __module__ = "keyrings.alt.file"


class HangingKeyring(SystemKeyring):
    __module__ = "keyring.backends.SecretService"

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.answered.wait(30)
        return super().get_password(service, username)


@pytest.fixture
def system(request: pytest.FixtureRequest) -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    backend: MemoryKeyring = getattr(request, "param", SystemKeyring)()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_a_stored_secret_is_put_where_it_is_referred_to(system: MemoryKeyring) -> None:
    secrets.store("docs", TOKEN)

    assert secrets.resolve("Bearer ${secret:docs}!") == f"Bearer {TOKEN}!"
    assert ("fusion", "docs") in system.held
    assert secrets.names() == {"docs": "keyring"}


def test_a_deleted_secret_is_gone(system: MemoryKeyring) -> None:
    secrets.store("docs", TOKEN)

    assert secrets.delete("docs")
    assert not secrets.delete("docs")
    assert secrets.names() == {}
    with pytest.raises(SecretMissing):
        secrets.resolve("${secret:docs}")


def test_a_missing_secret_names_the_reference_the_node_and_the_remedy(system: MemoryKeyring) -> None:
    with pytest.raises(SecretMissing) as caught:
        secrets.resolve("${secret:docs}", "github")

    assert caught.value.node == "github"
    for part in ("${secret:docs}", "github", "composite-runtime secret set docs", "FUSION_SECRET_DOCS"):
        assert part in str(caught.value)


def test_a_variable_of_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY", "Oslo")

    assert secrets.resolve("${env:CITY} and ${env:NO_SUCH_CITY:-Bergen}") == "Oslo and Bergen"
    with pytest.raises(SecretMissing, match=r"weather needs \$\{env:NO_SUCH_CITY\}.*not set"):
        secrets.resolve("${env:NO_SUCH_CITY}", "weather")


def test_an_answer_to_an_input_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secrets.resolve("${input:folder:-/tmp}") == "/tmp"
    with pytest.raises(SecretMissing, match="FUSION_INPUT_FOLDER"):
        secrets.resolve("${input:folder}")

    monkeypatch.setenv("FUSION_INPUT_FOLDER", "/data")
    assert secrets.resolve("${input:folder:-/tmp}") == "/data"


def test_the_environment_is_preferred_to_the_keyring(system: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets.store("my-docs", TOKEN)
    monkeypatch.setenv("FUSION_SECRET_MY_DOCS", "from-outside")

    assert secrets.resolve("${secret:my-docs}") == "from-outside"


@pytest.mark.parametrize(
    "unfilled", ["", "${user_config.docs}", "${DOCS}", "{env:DOCS}", "%DOCS%", "${{ secrets.DOCS }}"]
)
def test_what_a_client_left_unfilled_is_no_value(
    system: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, unfilled: str
) -> None:
    secrets.store("docs", TOKEN)
    monkeypatch.setenv("FUSION_SECRET_DOCS", unfilled)

    assert secrets.resolve("${secret:docs}") == TOKEN


def test_other_text_stays_as_it_is() -> None:
    for text in ("", "$HOME", "${HOME}", "${other:x}", "${secret:open", "a$$b", "100 % {env:X}"):
        assert secrets.resolve(text) == text


def test_an_escaped_reference_is_text() -> None:
    assert secrets.resolve("$${secret:docs}") == "${secret:docs}"
    assert secrets.references("$${secret:docs}") == ()


@given(st.text(alphabet="${}:-abenvsecrtiput", max_size=40))
def test_escaped_text_is_never_taken_for_a_reference(text: str) -> None:
    assert secrets.references(secrets.escape(text)) == ()
    assert secrets.resolve(secrets.escape(text)) == text


@given(st.text(), st.text())
def test_a_value_is_not_looked_through_again(before: str, value: str) -> None:
    text = secrets.escape(before).rstrip("$") + "${env:X}"

    assert substitute(text, lambda _: value + "${env:Y}") == before.rstrip("$") + value + "${env:Y}"


@pytest.mark.parametrize("name", ["", "a b", "../x\n", "#0", "x" * 201, "a:-b", "-x"])
def test_a_name_that_cannot_be_used_is_refused(system: MemoryKeyring, name: str) -> None:
    with pytest.raises(FusionError, match="cannot be the name of a secret"):
        secrets.store(name, TOKEN)
    with pytest.raises(SecretMissing):
        secrets.resolve(f"${{secret:{name}}}")


@pytest.mark.parametrize("value", ["", "a\0b"])
def test_a_value_that_no_child_could_be_given_is_refused(system: MemoryKeyring, value: str) -> None:
    with pytest.raises(FusionError, match="was not stored"):
        secrets.store("docs", value)


@given(st.text(min_size=1, max_size=3000).filter(lambda text: "\0" not in text and text.isprintable()))
def test_a_value_of_any_length_fits_a_keyring_with_the_limit_of_windows(value: str) -> None:
    backend = SystemKeyring()
    backend.longest = 2560
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        vault = secrets.Vault()
        vault.set("docs", "x" * 2000)
        vault.set("docs", value)
        assert vault.get("docs") == value
        pieces = len(backend.held)
        vault.set("docs", value)
        assert len(backend.held) == pieces
        assert vault.delete("docs")
        assert backend.held == {}
    finally:
        keyring.set_keyring(before)


def test_a_value_with_a_missing_part_is_not_handed_out(system: MemoryKeyring) -> None:
    secrets.store("docs", "x" * 2000)
    del system.held[next(key for key in system.held if "#" in key[1])]

    with pytest.raises(SecretMissing, match="damaged"):
        secrets.resolve("${secret:docs}")


def test_a_failure_of_the_keyring_does_not_quote_the_value(system: MemoryKeyring) -> None:
    system.longest = 4

    with pytest.raises(FusionError) as caught:
        secrets.store("docs", TOKEN)

    assert TOKEN not in str(caught.value)
    assert "OSError" in str(caught.value)


@pytest.mark.parametrize("system", [LockedKeyring], indirect=True)
def test_a_locked_keyring_is_told(system: MemoryKeyring) -> None:
    with pytest.raises(SecretMissing, match=r"the system keyring is locked.*FUSION_SECRET_DOCS"):
        secrets.resolve("${secret:docs}", "github")
    with pytest.raises(FusionError, match="locked"):
        secrets.store("docs", TOKEN)


@pytest.mark.parametrize("system", [keyring.backends.fail.Keyring], indirect=True)
def test_a_missing_keyring_is_told(system: MemoryKeyring) -> None:
    with pytest.raises(SecretMissing, match=r"no keyring that is running.*--in-file"):
        secrets.resolve("${secret:docs}", "github")


@pytest.mark.parametrize("system", [PlaintextKeyring], indirect=True)
def test_a_keyring_that_keeps_plain_text_is_refused(system: MemoryKeyring) -> None:
    with pytest.raises(
        FusionError, match=r"keyrings\.alt\.file\.PlaintextKeyring is not one known to keep secrets safe"
    ):
        secrets.store("docs", TOKEN)

    assert system.held == {}


@pytest.mark.parametrize("system", [HangingKeyring], indirect=True)
def test_a_keyring_that_waits_for_its_password_does_not_hold_us(system: HangingKeyring) -> None:
    vault = secrets.Vault(limit_s=0.2)

    with pytest.raises(FusionError, match=r"did not answer within 0\.2 seconds"):
        vault.get("docs")
    threads = threading.active_count()
    for _ in range(5):
        with pytest.raises(FusionError, match="did not answer"):
            vault.get("docs")
    assert threading.active_count() == threads

    system.answered.set()
    for thread in threading.enumerate():
        if thread.name == "keyring":
            thread.join(10)
    assert vault.get("docs") is None


def test_a_secret_can_be_kept_in_a_private_file(fusion_home: Path) -> None:
    secrets.store("docs", TOKEN, in_file=True)

    assert secrets.resolve("${secret:docs}") == TOKEN
    assert secrets.names() == {"docs": "file"}
    if os.name == "posix":
        assert (fusion_home / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert secrets.delete("docs")
    assert secrets.names() == {}


@pytest.mark.skipif(os.name != "posix", reason="permissions of this kind are POSIX")
def test_a_private_file_others_may_read_is_refused(fusion_home: Path) -> None:
    secrets.store("docs", TOKEN, in_file=True)
    (fusion_home / "secrets.json").chmod(0o644)

    with pytest.raises(SecretMissing, match="chmod 600"):
        secrets.resolve("${secret:docs}")


def test_a_broken_private_file_is_told_and_kept(fusion_home: Path) -> None:
    fusion_home.mkdir(mode=0o700)
    file = fusion_home / "secrets.json"
    file.write_text("{", encoding="utf-8")
    file.chmod(0o600)

    with pytest.raises(SecretMissing, match="not valid JSON"):
        secrets.resolve("${secret:docs}")
    with pytest.raises(FusionError, match="not valid JSON"):
        secrets.store("docs", TOKEN, in_file=True)
    assert file.read_text(encoding="utf-8") == "{"


def test_the_keyring_takes_over_from_the_file(system: MemoryKeyring) -> None:
    secrets.store("docs", "older-value", in_file=True)
    secrets.store("docs", TOKEN)

    assert secrets.resolve("${secret:docs}") == TOKEN
    assert secrets.names() == {"docs": "keyring"}


def test_what_was_resolved_is_hidden_in_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    value = 'p"ä ss/\nsecond line'
    monkeypatch.setenv("FUSION_SECRET_ODD", value)
    secrets.resolve("${secret:odd}")

    for text in (value, json.dumps(value), json.dumps(value, ensure_ascii=False), "p%22%C3%A4%20ss%2F", "second line"):
        shown = secrets.redact(f"got {text}.")
        assert "ss" not in shown
        assert "second" not in shown
        assert "${secret:odd}" in shown


def test_a_short_value_and_a_harmless_variable_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("FUSION_SECRET_PIN", "12345")
    secrets.resolve("${env:HOME} ${secret:pin}")

    assert secrets.redact("12345 /home/somebody") == "12345 /home/somebody"


@given(st.lists(st.text(min_size=6), max_size=8), st.text())
def test_no_learned_value_survives_redaction(values: list[str], around: str) -> None:
    redactor = secrets.Redactor()
    for value in values:
        redactor.learn(value, "*")
    shown = redactor.redact(around.join(["", *values, ""]))

    if not set(around) & set("".join(values)):
        assert not any(value in shown for value in values)


def test_the_command_line_stores_lists_and_deletes(
    system: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{TOKEN}\n"))
    assert main(["secret", "set", "docs"]) == 0
    assert system.held["fusion", "docs"] == TOKEN
    assert main(["secret", "list"]) == 0
    assert main(["secret", "list", "--json"]) == 0
    assert main(["secret", "delete", "docs"]) == 0
    assert main(["secret", "delete", "docs"]) == 1

    shown = capsys.readouterr()
    assert TOKEN not in shown.out + shown.err
    assert "docs  (keyring)" in shown.out
    assert '{"docs": "keyring"}' in shown.out


def test_a_failed_store_ends_with_a_message_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    assert main(["secret", "set", "docs"]) == 1
    assert "is empty" in capsys.readouterr().err


def test_importing_secrets_costs_neither_keyring_nor_mcp() -> None:
    code = (
        "import sys, composite_runtime.secrets; print([m for m in ('keyring', 'mcp', 'networkx') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)

    assert answer.stdout.strip() == "[]"


@pytest.mark.secretservice
@pytest.mark.usefixtures("system")
def test_the_secret_service_of_the_session_keeps_a_secret() -> None:
    # Earlier tests made the library keep another backend.
    keyring.set_keyring(keyring.backends.SecretService.Keyring())
    name = f"fusion-test-{os.getpid()}"
    long_value = "ä" * 5000
    try:
        secrets.store(name, TOKEN)
        assert secrets.resolve(f"${{secret:{name}}}") == TOKEN
        secrets.store(name, long_value)
        assert secrets.resolve(f"${{secret:{name}}}") == long_value
        assert secrets.names() == {name: "keyring"}
    finally:
        assert secrets.delete(name)
    with pytest.raises(SecretMissing, match=re.escape(name)):
        secrets.resolve(f"${{secret:{name}}}")


@pytest.mark.secretservice
def test_a_secret_of_the_secret_service_reaches_the_child_that_refers_to_it(tmp_path: Path) -> None:
    name = f"fusion-test-child-{os.getpid()}"
    tool = "import os, sys; sys.stderr.write('got ' + os.environ['KEY'][::-1] + '\\n'); sys.exit(3)"
    transport = StdioTransport(command=sys.executable, args=("-c", tool), env={"KEY": f"${{secret:{name}}}"})
    graph = edit.add_node(edit.new_graph(), CompositeNode(id="all", name="All"))
    graph = edit.connect(edit.add_node(graph, ServerNode(id="one", name="One", transport=transport)), "one", "all")
    file.save(graph, tmp_path / "g.fusion")
    command = [sys.executable, "-m", "composite_runtime"]

    def run(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *words], input=given, capture_output=True, text=True, timeout=60, check=False)

    assert run("secret", "set", name, given=TOKEN).returncode == 0
    try:
        examined = run("doctor", str(tmp_path / "g.fusion"))
        # The child said it backwards, so that it is the child's own doing and nothing redacts it.
        assert TOKEN[::-1] in examined.stdout + examined.stderr
        assert TOKEN not in examined.stdout + examined.stderr
        assert TOKEN not in (tmp_path / "g.fusion").read_text(encoding="utf-8")
    finally:
        assert run("secret", "delete", name).returncode == 0


@pytest.mark.secretservice
def test_a_locked_secret_service_is_told_and_waits_for_nobody() -> None:
    name = f"fusion-test-locked-{os.getpid()}"
    command = [sys.executable, "-m", "composite_runtime", "secret", "set", name]
    subprocess.run(command, input=TOKEN, text=True, timeout=60, check=True, capture_output=True)
    lock = "import secretstorage as s; s.get_default_collection(s.dbus_init()).lock()"
    subprocess.run([sys.executable, "-c", lock], timeout=30, check=True, capture_output=True)

    # It stays locked, for nobody is there to be asked: this test is the last of its session.
    ask = f"from composite_runtime import secrets; secrets.resolve('${{secret:{name}}}')"
    asked = subprocess.run([sys.executable, "-c", ask], timeout=25, check=False, capture_output=True, text=True)
    assert "SecretMissing" in asked.stderr
    assert "the system keyring is locked" in asked.stderr


def test_thousands_of_values_are_hidden_in_thousands_of_lines() -> None:
    """One after the other, learned or looked for, they would take minutes."""
    redactor = Redactor()
    values = [f"token{'x' * (number % 9)}-{number:04}" for number in range(3000)]
    for value in values:
        redactor.learn(value, f"<{value[-2:]}>")

    for value in values:
        assert redactor.redact(f"{value}5 and {value}") == redactor.redact(f"{value}5") + f" and <{value[-2:]}>"


def test_the_longest_of_values_that_begin_alike_is_hidden() -> None:
    redactor = Redactor()
    for value in ("secret", "secret-long", "secret-longest", "sect-other"):
        redactor.learn(value, f"<{len(value)}>")

    assert redactor.redact("secret-longest secret-longer secrets sect-other sect") == "<14> <11>er <6>s <10> sect"
