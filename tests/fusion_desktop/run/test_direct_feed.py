"""A node that is inspected alone, in the same log and traffic as what runs, and told apart there."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fusion_desktop.run.traffic import CLIENT, Kind
from fusion_desktop.run.traffic_file import load, save
from fusion_desktop.run.traffic_filter import parse
from fusion_desktop.run.traffic_model import TrafficModel
from tests.fusion_desktop.run.servers import until
from tests.fusion_desktop.test_calling import opened, press

pytestmark = [pytest.mark.timeout(60), pytest.mark.slow]


async def test_what_a_node_says_alone_is_told_apart_from_what_it_says_in_the_composite(
    qtbot: QtBot, tmp_path: Path
) -> None:
    async with opened(tmp_path) as program:
        program.settings.asks_first_start = False
        program.window.focus.show("inspector")
        traffic, log = program.traffic, program.log
        assert program.inspector.inspect("text")
        panel = program.inspector.panel_of("text")
        direct = program.directs.of("text")
        assert panel is not None
        assert direct is not None
        await until(lambda: any(t["name"] == "count" for t in direct.session.listing("tools").items))
        await until(lambda: any(row.alone for row in traffic.rows()))

        panel.show_tool("count")
        assert panel.tools.form is not None
        panel.tools.form.write({"text": "alone"})
        panel.tools.send()
        await program.session.call("text_count", {"text": "together"})
        await until(lambda: not panel.tools.call.is_running)
        traffic.flush()

        chosen = parse("alone:text method:tools/call is:request", traffic.names).choose(traffic.rows())
        assert [(row.hop, traffic.ends_of(row)) for row in chosen] == [
            (CLIENT, ("Client", "Text alone")),
            ("text", ("Text alone", "Text")),
        ]
        assert all('"alone"' in row.text for row in chosen)
        others = parse("-alone:* method:tools/call is:request", traffic.names).choose(traffic.rows())
        assert {row.hop for row in others} == {CLIENT, "text"}
        assert all(row.outcome == "ok" for row in (*chosen, *others))
        assert not {row.call for row in chosen} & {row.call for row in others}

        press(panel.tools, "Trace")
        assert program.window.traffic_panel.detail.row is chosen[0]
        names = [span.name for span in traffic.spans(chosen[0].call)]
        assert names == ["Client", "Alone", "Text"]

        log.flush()
        assert {"Text alone"} <= {log.name_of(source) for source in log.sources()}

        path = tmp_path / "all.jsonl"
        save(path, traffic, traffic.rows())
        again = TrafficModel()
        again.set_graph(traffic.names, traffic.parents, traffic.root)
        again.load(load(path).told)
        kept = [row for row in again.rows() if row.alone and row.method == "tools/call" and row.kind is Kind.REQUEST]
        assert [again.ends_of(row) for row in kept] == [traffic.ends_of(row) for row in chosen]
        assert [span.name for span in again.spans(chosen[0].call)] == names
