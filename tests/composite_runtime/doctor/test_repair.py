import os

from composite_runtime.doctor import Fix, repaired
from composite_runtime.graph.model import HttpTransport, ServerNode, SseTransport, StdioTransport


def local(command: str, *args: str, **env: str) -> ServerNode:
    return ServerNode(id="it", name="It", transport=StdioTransport(command=command, args=args, env=env))


def mended(node: ServerNode, action: str, value: str) -> StdioTransport:
    changed = repaired(node, Fix(action, value))
    assert changed is not None
    assert isinstance(changed.transport, StdioTransport)
    return changed.transport


def test_a_command_gets_its_whole_path() -> None:
    assert mended(local("npx", "-y"), "use-absolute-path", "/opt/bin/npx") == StdioTransport(
        command="/opt/bin/npx", args=("-y",)
    )


def test_a_command_line_becomes_command_and_arguments() -> None:
    transport = mended(local("npx -y 'a server'", "--fast"), "split-command", "npx -y 'a server'")
    assert (transport.command, transport.args) == ("npx", ("-y", "a server", "--fast"))


def test_a_folder_is_put_before_the_path() -> None:
    path = mended(local("npx"), "add-to-path", "/opt/bin").env["PATH"]
    assert path == f"/opt/bin{os.pathsep}" + "${env:PATH}"
    assert mended(local("npx", PATH="/mine"), "add-to-path", "/opt/bin").env["PATH"] == f"/opt/bin{os.pathsep}/mine"


def test_an_argument_is_put_first() -> None:
    assert mended(local("npx", "server"), "add-argument", "-y").args == ("-y", "server")


def test_a_version_is_pinned_where_uvx_installs_it() -> None:
    assert mended(local("uvx", "server"), "pin-version", "mcp<2").args == ("--with", "mcp<2", "server")
    assert repaired(local("python", "server.py"), Fix("pin-version", "mcp<2")) is None


def test_a_remote_server_changes_its_transport_and_keeps_its_headers() -> None:
    node = ServerNode(id="it", name="It", transport=HttpTransport(url="http://a.test/sse", headers={"X": "1"}))
    changed = repaired(node, Fix("set-transport", "sse http://a.test/sse"))
    assert changed is not None
    assert changed.transport == SseTransport(url="http://a.test/sse", headers={"X": "1"})


def test_what_is_no_edit_of_the_node_is_left_to_others() -> None:
    assert repaired(local("npx"), Fix("install", "node")) is None
    assert repaired(local("npx"), Fix("set-secret", "weather")) is None
    assert repaired(local("npx"), Fix("set-url", "http://a.test")) is None
