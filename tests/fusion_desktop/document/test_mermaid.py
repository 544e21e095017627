"""A graph as Mermaid text, which Mermaid itself reads as what is drawn."""

import json
import subprocess
from pathlib import Path

import pytest

from fusion_desktop.document.mermaid import mermaid
from tests.fusion_desktop.graphs import composite, graph, server
from tests.support import npm

_PARSE = """
import { pathToFileURL } from "node:url";
const [jsdom, mermaidFile] = process.argv.slice(2);
const { JSDOM } = (await import(pathToFileURL(jsdom))).default;
const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;
const mermaid = (await import(pathToFileURL(mermaidFile))).default;
let text = "";
for await (const part of process.stdin) text += part;
await mermaid.parse(text);
const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
console.log(JSON.stringify({
  nodes: db.getVertices().size,
  edges: db.getEdges().map((edge) => [edge.start, edge.end]),
  groups: Object.fromEntries(db.getSubGraphs().map((group) => [group.id, [group.title, group.nodes]])),
}));
"""


def test_members_lie_in_their_composite_and_wires_are_arrows() -> None:
    drawn = graph((composite("box"), (300, 100, 400, 300)), (server("in"), (340, 180)), (server("out"), (0, 0)),
                  edges="in>box out>box")  # fmt: skip

    assert mermaid(drawn) == (
        'flowchart LR\n    subgraph n0["Box"]\n        n1["In"]\n    end\n    n2["Out"]\n    n2 --> n0\n'
    )


def test_names_that_mean_something_to_mermaid_are_only_names() -> None:
    text = mermaid(graph((server("end", 'a "b" <i> #1\n`c`'), (0, 0))))

    assert 'n0["a #quot;b#quot; #lt;i#gt; #35;1 #96;c#96;"]' in text


def test_what_is_off_is_dashed_and_what_cannot_be_drawn_is_said() -> None:
    deep = graph(
        (composite("outer"), (0, 0, 900, 600)),
        (composite("box"), (100, 100, 500, 300)),
        (server("in").but(enabled=False), (140, 180)),
        edges="in>box box>outer in>outer",
    )

    lines = mermaid(deep).splitlines()

    assert "    class n2 off" in lines
    assert "    %% n2 is a member of n0 as well" in lines


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_mermaid_reads_what_is_drawn(tmp_path: Path) -> None:
    text = mermaid(
        graph(
            (composite("outer", 'Öuter; "quoted" [x] {y} (z) | end'), (0, 0, 1200, 800)),
            (composite("box", "end"), (100, 100, 500, 300)),
            (server("in", "click `me` --> #1").but(enabled=False), (140, 180)),
            (server("out", "subgraph"), (1400, 0)),
            (composite("empty"), (1400, 300)),
            edges="in>box box>outer in>outer out>outer out>empty",
        )
    )
    script = tmp_path / "parse.mjs"
    script.write_text(_PARSE, encoding="utf-8")
    files = [
        npm.package("jsdom", "25.0.1") / "lib" / "api.js",
        npm.package("mermaid", "11.4.1") / "dist" / "mermaid.core.mjs",
    ]

    done = subprocess.run(
        [npm.node(), str(script), *map(str, files)],
        input=text, capture_output=True, text=True, timeout=60, check=False, encoding="utf-8",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-800:]
    read = json.loads(done.stdout)
    assert sorted(read["edges"]) == [["n3", "n0"], ["n3", "n4"]]
    assert {name: nodes for name, (_, nodes) in read["groups"].items()} == {"n0": ["n1"], "n1": ["n2"]}
