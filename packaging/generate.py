"""Write what is made from other files: the JSON Schema of graphs, the module tables, the exact versions we install.

python packaging/generate.py                 the schema and the tables
python packaging/generate.py --constraints   the versions as well: the newest that fit together
"""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

from composite_runtime.files import write_text
from composite_runtime.graph.schema import schema

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "resources" / "graph.schema.json"
READMES = (ROOT / "composite_runtime" / "README.md", ROOT / "fusion_desktop" / "README.md")
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"


def schema_text() -> str:
    """Return the schema as it stands in its file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def readme_text(readme: Path) -> str:
    """Return a package's README with its module table made anew from the first sentences of its modules."""
    rows = [row for module in sorted(readme.parent.rglob("*.py"), key=_place) if (row := _row(module, readme.parent))]
    table = "\n".join(["| Module | What it is |", "|---|---|", *rows])
    old = readme.read_text(encoding="utf-8")
    return re.sub(
        r"(<!-- modules -->\n).*(<!-- /modules -->)", lambda m: f"{m[1]}{table}\n{m[2]}", old, flags=re.DOTALL
    )


def _place(module: Path) -> tuple[bool, str]:
    """Sort a room's own sentence before its modules, and all rooms after the top level."""
    return module.parent != module.parents[len(module.relative_to(ROOT).parts) - 2], module.as_posix()


def _row(module: Path, package: Path) -> str | None:
    told = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    sentence = " ".join(told.partition("\n\n")[0].split()).replace("|", "\\|")
    name = module.relative_to(package).as_posix()
    if module.name != "__init__.py":
        return f"| `{name}` | {sentence} |"
    return f"| **`{name.removesuffix('__init__.py')}`** | {sentence} |" if sentence else None


def write_constraints() -> None:
    """Resolve all that may be installed, for every platform and Python; no line says where it came from."""
    words = ["uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version=3.11", "--all-extras"]
    groups = ["--group=dev", "--group=e2e", "--group=build"]
    silent = ["--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header", "--quiet"]
    subprocess.run([*words, *groups, *silent, "-o", str(CONSTRAINTS)], cwd=ROOT, check=True)


if __name__ == "__main__":
    write_text(SCHEMA, schema_text())
    for readme in READMES:
        write_text(readme, readme_text(readme))
    if "--constraints" in sys.argv[1:]:
        write_constraints()
