"""The MCP clients Fusion knows, by id. To add one: a module beside this file, a line here, its samples in the tests."""

from composite_runtime.interop.clients.amazon_q import AMAZON_Q
from composite_runtime.interop.clients.antigravity import ANTIGRAVITY
from composite_runtime.interop.clients.claude_code import CLAUDE_CODE
from composite_runtime.interop.clients.claude_desktop import CLAUDE_DESKTOP
from composite_runtime.interop.clients.cline import CLINE
from composite_runtime.interop.clients.codex import CODEX
from composite_runtime.interop.clients.continue_dev import CONTINUE
from composite_runtime.interop.clients.copilot_cli import COPILOT_CLI
from composite_runtime.interop.clients.cursor import CURSOR
from composite_runtime.interop.clients.format import ClientFormat
from composite_runtime.interop.clients.gemini_cli import GEMINI_CLI
from composite_runtime.interop.clients.goose import GOOSE
from composite_runtime.interop.clients.jetbrains import JETBRAINS, JUNIE
from composite_runtime.interop.clients.kiro import KIRO
from composite_runtime.interop.clients.lmstudio import LMSTUDIO
from composite_runtime.interop.clients.opencode import OPENCODE
from composite_runtime.interop.clients.roo import ROO
from composite_runtime.interop.clients.vscode import VSCODE, VSCODE_INSIDERS
from composite_runtime.interop.clients.warp import WARP
from composite_runtime.interop.clients.windsurf import WINDSURF
from composite_runtime.interop.clients.zed import ZED
from composite_runtime.registry import Registry

clients: Registry[ClientFormat] = Registry("client")

clients.register("claude-desktop")(CLAUDE_DESKTOP)
clients.register("claude-code")(CLAUDE_CODE)
clients.register("cursor")(CURSOR)
clients.register("vscode")(VSCODE)
clients.register("vscode-insiders")(VSCODE_INSIDERS)
clients.register("copilot-cli")(COPILOT_CLI)
clients.register("windsurf")(WINDSURF)
clients.register("zed")(ZED)
clients.register("cline")(CLINE)
clients.register("codex")(CODEX)
clients.register("gemini-cli")(GEMINI_CLI)
clients.register("opencode")(OPENCODE)
clients.register("goose")(GOOSE)
clients.register("continue")(CONTINUE)
clients.register("lmstudio")(LMSTUDIO)
clients.register("kiro")(KIRO)
clients.register("warp")(WARP)
clients.register("junie")(JUNIE)
clients.register("jetbrains")(JETBRAINS)
clients.register("roo")(ROO)
clients.register("amazon-q")(AMAZON_Q)
clients.register("antigravity")(ANTIGRAVITY)
