"""The pages of the inspector: a list, what is selected with its arguments, and what came back."""

import time
from collections.abc import Mapping
from typing import Any, TypeAlias

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSplitter, QToolButton, QVBoxLayout, QWidget

from composite_runtime.errors import FusionError
from fusion_desktop import theme
from fusion_desktop.controls import reading
from fusion_desktop.inspector.call import Call
from fusion_desktop.inspector.completing import Proposer
from fusion_desktop.inspector.editors import TextArea, mark
from fusion_desktop.inspector.offers import Offers, badges
from fusion_desktop.inspector.result import ResultView
from fusion_desktop.inspector.room import Room
from fusion_desktop.inspector.schema_form import SchemaForm
from fusion_desktop.inspector.task_choice import TaskChoice
from fusion_desktop.inspector.uri_template import expand, variables
from fusion_desktop.inspector.values import DraftError, json_text, parse_json
from fusion_desktop.run.frames import JsonObject, Outcome
from fusion_desktop.run.session import InspectorSession, SessionState
from fusion_desktop.tasks import spawn

Json: TypeAlias = Any

_WIDE = 760
"""From this width on the three parts stand side by side."""
_SHARES_WIDE = (0.26, 0.37, 0.37)
_SHARES = (0.26, 0.44, 0.30)
"""How list, arguments and result share the room at first."""
_DESCRIPTION = 4000
_FORMS = 8
"""So many forms are kept as they were left, half-typed words included; of others only what was entered."""


class Page(QWidget):
    """One kind of offer. Subclasses say how an offer is asked for and how it is called."""

    kind = ""
    key = "name"
    verb = "Call"
    doing = "Calling"
    has_arguments = True

    def __init__(self, session: InspectorSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._form: SchemaForm | None = None
        self._item: JsonObject | None = None
        self._drafts: dict[str, Json] = {}
        self._left: dict[str, tuple[JsonObject, SchemaForm]] = {}
        self._called = ""
        self._is_laid_out = False
        self.offers = Offers(self.kind, self.key)
        self.result = ResultView()
        self.call = Call(session, self.result, self)
        self._build()
        self.offers.chosen.connect(self._show_item)
        self.call.changed.connect(self._show_state)
        self.result.wanted.connect(self._read_link)
        session.listed.connect(self._take_list)
        session.state_changed.connect(self._take_state)
        self._take_list(self.kind)
        self._show_item(None)

    @property
    def form(self) -> SchemaForm | None:
        """The form of the selected offer."""
        return self._form

    def schema(self, item: JsonObject) -> Mapping[str, Json]:
        """Return what is asked for to use an offer."""
        raise NotImplementedError

    def request(self, item: JsonObject, arguments: JsonObject) -> tuple[str, JsonObject]:
        """Return the request that uses an offer."""
        raise NotImplementedError

    def fill(self, name: str, arguments: JsonObject) -> bool:
        """Select an offer and enter arguments; tell whether it is offered."""
        self.offers.search.clear()
        if not self.offers.select(name) or self._form is None:
            return False
        self._form.write(arguments)
        return True

    def reference(self, item: JsonObject) -> JsonObject | None:
        """Return how the server is asked to complete arguments of an offer; None when it cannot be."""
        return None

    def build_choices(self, column: QVBoxLayout) -> None:
        """Put choices above the buttons."""

    def build_more(self, row: QHBoxLayout) -> None:
        """Put more buttons beside the one that sends."""

    def ready(self) -> tuple[str, JsonObject] | None:
        """Return the request the form makes now, or None while it cannot be sent; the form then says why."""
        if self._item is None or self._form is None:
            return None
        reading = self._form.reading()
        if reading.faults:
            self._form.show_faults(is_all=True)
            return None
        try:
            method, params = self.request(self._item, reading.value)
            meta = self._meta_value()
        except (FusionError, DraftError) as error:
            self.result.show_failure(getattr(error, "message", None) or f"_meta: {error}")
            return None
        return method, {**params, "_meta": meta} if meta else params

    def _meta_value(self) -> JsonObject:
        """Return what goes along with the request beside the arguments; raise `DraftError` when it is no object."""
        text = self._meta.exact_text().strip() if self._meta_on.isChecked() else ""
        value = parse_json(text) if text else {}
        if not isinstance(value, dict):
            raise DraftError("Enter an object: { … }.")
        return value

    def set_meta(self, value: Json) -> None:
        """Have this, or nothing, go along with the request."""
        self._meta.setPlainText(json_text(value) if value else "")
        self._meta_on.setChecked(bool(value))

    def add_menu(self, words: str, about: str, menu: QMenu) -> None:
        """Put a button with a menu beside the one that sends."""
        button = QToolButton()
        button.setText(f"{words}…")
        button.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        button.setToolTip(about)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setMenu(menu)
        self._more.addWidget(button)

    def send(self) -> None:
        """Use the selected offer with the arguments of the form, if they can be sent."""
        if self.call.is_running or self._item is None or (ready := self.ready()) is None:
            return
        method, params = ready
        schema = self._item.get("outputSchema")
        self._called = str(self._item[self.key])
        words = f"{self.doing} {self._called}"
        self.call.send(method, params, words, output_schema=schema if isinstance(schema, dict) else None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wanted = Qt.Orientation.Horizontal if event.size().width() >= _WIDE else Qt.Orientation.Vertical
        if self._split.orientation() != wanted:
            self._split.setOrientation(wanted)
            self._is_laid_out = False
        if not self._is_laid_out:
            self._share_room()

    def _share_room(self) -> None:
        """Divide the room between list, arguments and result; what the user divided by hand stays."""
        if self._split.orientation() is Qt.Orientation.Horizontal:
            self._split.setSizes([round(self.width() * share) for share in _SHARES_WIDE])
            return
        room = self.height()
        listed, asked = (round(room * share) for share in _SHARES[:2])
        if self._form is not None:
            # A short form leaves its room to the result.
            inside = self._form.sizeHint().height() if self.has_arguments else 0
            needed = self._form.natural_height() if self.has_arguments else 0
            asked = min(asked, self._middle.sizeHint().height() - inside + needed)
        self._split.setSizes([listed, asked, room - listed - asked])

    def _moved_by_hand(self) -> None:
        self._is_laid_out = True

    def _build(self) -> None:
        self._middle = self._build_middle()
        self._right = QWidget()
        below = QVBoxLayout(self._right)
        below.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 3 * theme.GRID, 2 * theme.GRID)
        below.addWidget(self.result)
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._split.setChildrenCollapsible(False)
        for part in (self.offers, self._middle, self._right):
            self._split.addWidget(part)
        self._split.splitterMoved.connect(self._moved_by_hand)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2 * theme.GRID, 0, 0)
        layout.addWidget(self._split)

    def _build_middle(self) -> QWidget:
        self._name = reading(role="heading")
        self._about = reading(role="muted")
        line = self._about.fontMetrics().lineSpacing()
        self._words = Room(self._about, least=2 * line + theme.GRID, most=8 * line, name="Description")
        self._asked = QVBoxLayout()
        self._build_meta()
        buttons = self._build_buttons()
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setSpacing(2 * theme.GRID)
        column.setContentsMargins(3 * theme.GRID, 2 * theme.GRID, 3 * theme.GRID, 2 * theme.GRID)
        column.addWidget(self._name)
        column.addWidget(self._words)
        column.addLayout(self._asked, 1)
        column.addWidget(self._meta)
        self.build_choices(column)
        column.addLayout(buttons)
        return middle

    def _build_meta(self) -> None:
        self._meta_on = QToolButton()
        self._meta_on.setCheckable(True)
        self._meta_on.setText("_meta")
        self._meta_on.setToolTip("Send metadata along with the request")
        self._meta_on.setAccessibleName("Metadata of the request")
        self._meta = TextArea(lines=2, most=8)
        self._meta.setFont(theme.font(mono=True))
        self._meta.setPlaceholderText('{"com.example/key": "value"}')
        self._meta.setAccessibleName("Metadata of the request as JSON")
        self._meta.textChanged.connect(self._judge_meta)
        self._meta.hide()
        self._meta_on.toggled.connect(self._meta.setVisible)

    def _build_buttons(self) -> QHBoxLayout:
        self._send = QPushButton(self.verb)
        self._send.setProperty("primary", True)
        self._send.setToolTip(f"{self.verb} it (Ctrl+Enter)")
        self._send.clicked.connect(self.send)
        self._stop = QPushButton("Cancel")
        self._stop.clicked.connect(self.call.cancel)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            QShortcut(QKeySequence(keys), self, self.send, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._more = QHBoxLayout()
        row = QHBoxLayout()
        row.addWidget(self._send)
        row.addWidget(self._stop)
        row.addStretch(1)
        row.addLayout(self._more)
        self.build_more(self._more)
        self._more.addWidget(self._meta_on)
        return row

    def _take_list(self, kind: str) -> None:
        if kind != self.kind:
            return
        listing = self._session.listing(self.kind)
        is_open = self._session.state is SessionState.OPEN
        words = (
            listing.error or f"The server offers no {self.kind}." if is_open else "Press Run to see what is offered."
        )
        self.offers.set_items(listing.items, words)

    def _show_item(self, item: JsonObject | None) -> None:
        if item is not None and item == self._item:
            return
        self._keep_draft()
        self._item = item
        if item is not None:
            self._show_form(item)
        self._middle.setVisible(item is not None)
        self._right.setVisible(item is not None)
        if not self._is_laid_out:
            self._share_room()
        self._show_state()

    def _show_form(self, item: JsonObject) -> None:
        name = str(item[self.key])
        self._name.setText(str(item.get("title") or name))
        about = str(item.get("description") or "")
        shown = about if len(about) <= _DESCRIPTION else f"{about[:_DESCRIPTION]}…"
        self._about.setText("\n".join(part for part in (" · ".join(badges(item)), shown) if part))
        self._words.setVisible(bool(self._about.text()))
        self._words.updateGeometry()
        self._words.verticalScrollBar().setValue(0)
        before, form = self._left.pop(name, (None, None))
        if form is None or before != item:
            _discard(form)
            form = SchemaForm(self.schema(item), propose=self._proposer(item))
            form.changed.connect(self._show_state)
            if name in self._drafts:
                form.write(self._drafts[name])
        self._form = form
        self._asked.addWidget(form)
        form.setVisible(self.has_arguments)
        if self.call.is_running:
            self.result.name_call("" if name == self._called else self._called)
        else:
            self.call.leave()
            self.result.show_nothing()

    def _proposer(self, item: JsonObject) -> Proposer | None:
        reference = self.reference(item)
        if reference is None or not self._session.offers("completions"):
            return None

        async def propose(name: str, text: str) -> list[str]:
            others = self._form.reading().value if self._form is not None else {}
            given = {key: value for key, value in others.items() if key != name and isinstance(value, str) and value}
            return await self._session.complete(reference, name, text, given)

        return propose

    def _keep_draft(self) -> None:
        """Keep what was entered, for when the offer is chosen again."""
        if self._form is None or self._item is None:
            return
        name, form, self._form = str(self._item[self.key]), self._form, None
        self._asked.removeWidget(form)
        form.hide()
        reading = form.reading()
        if isinstance(reading.value, dict):
            self._drafts[name] = reading.value
        self._left[name] = (self._item, form)
        if len(self._left) > _FORMS:
            _discard(self._left.pop(next(iter(self._left)))[1])

    def _show_state(self) -> None:
        is_open = self._session.state is SessionState.OPEN
        can_send = self._form is not None and not self._form.reading().faults
        self._send.setEnabled(is_open and can_send and not self.call.is_running)
        self._stop.setVisible(self.call.can_be_cancelled)

    def _judge_meta(self) -> None:
        try:
            self._meta_value()
        except DraftError:
            mark(self._meta, is_invalid=True)
        else:
            mark(self._meta, is_invalid=False)

    def _take_state(self, *_: object) -> None:
        self._show_state()

    def _read_link(self, uri: str) -> None:
        self._called = uri
        self.call.send("resources/read", {"uri": uri}, f"Reading {uri}")


class ToolPage(Page):
    """Tools, to be called."""

    kind = "tools"
    _sought = ""

    def build_choices(self, column: QVBoxLayout) -> None:
        self._choice = TaskChoice(self._session)
        self._choice.switch.clicked.connect(self._switch)
        self.as_task = self._choice.box
        column.addWidget(self._choice)

    def _show_form(self, item: JsonObject) -> None:
        super()._show_form(item)
        self._choice.show_tool(item)

    def _switch(self) -> None:
        if self._item is not None:
            self._sought = str(self._item["name"])
            self._session.speak(is_legacy=True)

    def _take_list(self, kind: str) -> None:
        super()._take_list(kind)
        # The other protocol is a new connection, and a new list.
        if kind == self.kind and self._sought and self.offers.select(self._sought):
            self._sought = ""
            self.as_task.setChecked(True)

    def schema(self, item: JsonObject) -> Mapping[str, Json]:
        schema: Mapping[str, Json] = item["inputSchema"]
        return schema

    def request(self, item: JsonObject, arguments: JsonObject) -> tuple[str, JsonObject]:
        more: JsonObject = {"task": {}} if self._choice.is_task else {}
        return "tools/call", {"name": item["name"], "arguments": arguments, **more}


class ResourcePage(Page):
    """Resources, to be read."""

    kind = "resources"
    key = "uri"
    verb = "Read"
    doing = "Reading"
    has_arguments = False

    def build_more(self, row: QHBoxLayout) -> None:
        self._updated: set[str] = set()
        self._watch = QToolButton()
        self._watch.setCheckable(True)
        self._watch.setText("Subscribe")
        self._watch.setToolTip("Have the server tell when the resource has changed")
        self._watch.clicked.connect(self._subscribe)
        row.addWidget(self._watch)
        self._session.updated.connect(self._mark_updated)
        self.call.finished.connect(self._mark_read)

    def schema(self, item: JsonObject) -> Mapping[str, Json]:
        return {"type": "object", "properties": {}, "additionalProperties": False}

    def _show_state(self) -> None:
        super()._show_state()
        self._show_watch()

    def _show_watch(self) -> None:
        uri = self._item["uri"] if self._item is not None else None
        self._watch.setVisible(self._session.offers("resources", "subscribe"))
        self._watch.setChecked(uri in self._session.watched)
        self._watch.setText("Subscribed" if self._watch.isChecked() else "Subscribe")
        self._send.setText("Read again" if uri in self._updated else self.verb)

    def _subscribe(self, on: bool) -> None:
        if self._item is not None:
            spawn(self._watching(self._item["uri"], on), failed=self._fail_to_watch)

    async def _watching(self, uri: str, on: bool) -> None:
        await self._session.watch(uri, on=on)
        self.offers.mark(uri, "subscribed" if on else "")
        self._updated.discard(uri)
        self._show_watch()

    def _fail_to_watch(self, message: str) -> None:
        self.result.show_failure(f"The server does not let one subscribe: {message}")
        self._show_watch()

    def _mark_updated(self, uri: str) -> None:
        if uri in self._session.watched:
            self._updated.add(uri)
            self.offers.mark(uri, f"updated {time.strftime('%H:%M:%S')}")
            self._show_watch()

    def _mark_read(self, outcome: Outcome) -> None:
        uri = str(outcome.params.get("uri"))
        if uri in self._updated:
            self._updated.discard(uri)
            self.offers.mark(uri, "subscribed")
            self._show_watch()

    def request(self, item: JsonObject, arguments: JsonObject) -> tuple[str, JsonObject]:
        return "resources/read", {"uri": item["uri"]}


class TemplatePage(Page):
    """Templates of resources, to be filled in and read."""

    kind = "templates"
    key = "uriTemplate"
    verb = "Read"
    doing = "Reading"

    def schema(self, item: JsonObject) -> Mapping[str, Json]:
        try:
            found = variables(item["uriTemplate"])
        except FusionError as error:
            return {"type": "object", "description": error.message, "additionalProperties": False}
        several = {"type": "array", "items": {"type": "string"}}
        properties = {part.name: several if part.is_exploded else {"type": "string"} for part in found}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def reference(self, item: JsonObject) -> JsonObject | None:
        return {"type": "ref/resource", "uri": item["uriTemplate"]}

    def request(self, item: JsonObject, arguments: JsonObject) -> tuple[str, JsonObject]:
        return "resources/read", {"uri": expand(item["uriTemplate"], arguments)}


class PromptPage(Page):
    """Prompts, to be filled in."""

    kind = "prompts"
    verb = "Get"
    doing = "Getting"

    def schema(self, item: JsonObject) -> Mapping[str, Json]:
        arguments = [part for part in item.get("arguments") or [] if isinstance(part, dict) and "name" in part]
        properties = {
            str(part["name"]): {
                "type": "string",
                **{key: part[key] for key in ("title", "description") if isinstance(part.get(key), str)},
            }
            for part in arguments
        }
        required = [str(part["name"]) for part in arguments if part.get("required") is True]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def reference(self, item: JsonObject) -> JsonObject | None:
        return {"type": "ref/prompt", "name": item["name"]}

    def request(self, item: JsonObject, arguments: JsonObject) -> tuple[str, JsonObject]:
        return "prompts/get", {"name": item["name"], "arguments": arguments}


def _discard(form: SchemaForm | None) -> None:
    if form is not None:
        form.deleteLater()
