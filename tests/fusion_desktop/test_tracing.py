"""From a result, and from the history, to the trace of exactly that call."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fusion_desktop.panels.banner import Banner
from fusion_desktop.run.traffic import CLIENT
from tests.fusion_desktop.inspector.test_panel import words_in
from tests.fusion_desktop.run.servers import until
from tests.fusion_desktop.test_calling import opened, press, targets

pytestmark = pytest.mark.timeout(60)


@pytest.mark.slow
async def test_the_trace_beside_a_result_is_that_of_its_own_call(qtbot: QtBot, tmp_path: Path) -> None:
    """The same call is made twice, so that nothing but the request itself tells them apart."""
    async with opened(tmp_path) as program:
        panel, traffic = program.inspector.panel, program.window.traffic_panel
        for name in ("inspector", "calls"):
            program.window.focus.show(name)
        for _ in range(2):
            panel.show_tool("text_count")
            assert panel.tools.form is not None
            panel.tools.form.write({"text": "twice"})
            panel.tools.send()
            await until(lambda: not panel.tools.call.is_running)
        view = program.calling.history_view
        await until(lambda: targets(view) == ["text_count", "text_count"])
        program.traffic.flush()
        first, second = [
            row
            for row in program.traffic.rows()
            if row.hop == CLIENT and row.method == "tools/call" and row.kind == "request"
        ]

        traffic.show_only("method:ping")
        press(panel.tools, "Trace")
        assert traffic.detail.row is second
        assert traffic.isVisible()
        assert traffic.detail.tabs.currentWidget() is traffic.detail.timeline
        assert {span.name for span in program.traffic.spans(second.call)} >= {"Client", "Text"}

        program.window.focus.show("calls")
        view.list.setCurrentIndex(view.list.model().index(1, 0))
        await until(lambda: view._kept is not None and view._kept.entry.id == view.list.currentIndex().data(256).id)
        press(view, "Trace")
        assert traffic.detail.row is first

        program.traffic.clear()
        press(panel.tools, "Trace")
        banner = program.window.findChild(Banner)
        assert banner is not None
        assert "is not kept any more" in words_in(banner)
