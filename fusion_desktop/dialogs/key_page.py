"""The keys of all commands, to be changed: a key that is taken is refused with the reason."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from fusion_desktop import theme
from fusion_desktop.controls import push_button, restyle, search_field
from fusion_desktop.keymap import Command, Keymap, native

_ID = Qt.ItemDataRole.UserRole


class KeyPage(QWidget):
    """A list of commands by group; below it the keys of the one that is selected."""

    changed = Signal(object)
    """The keymap after a change."""

    def __init__(self, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.keymap = keymap
        self._items: dict[str, QTreeWidgetItem] = {}
        self._build()
        self._fill()
        self._show_chosen()

    def _build(self) -> None:
        self.search = search_field("Search commands and keys")
        self.search.textChanged.connect(self._search)
        self.verdict = QLabel(wordWrap=True)
        self.verdict.setAccessibleName("Whether the key can be used")
        self._build_tree()
        self._build_field()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 3 * theme.GRID, 0, 0)
        layout.setSpacing(2 * theme.GRID)
        layout.addWidget(self.search)
        layout.addWidget(self.tree, 1)
        layout.addLayout(self._entry())
        layout.addWidget(self.verdict)
        layout.addLayout(self._rest())

    def _build_tree(self) -> None:
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Commands and their keys")
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels(["Command", "Keys"])
        self.tree.setRootIsDecorated(False)
        self.tree.setIndentation(3 * theme.GRID)
        header = self.tree.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        self.tree.currentItemChanged.connect(self._show_chosen)
        self.tree.itemActivated.connect(lambda: self.field.setFocus())

    def _build_field(self) -> None:
        self.field = QKeySequenceEdit()
        self.field.setAccessibleName("New key")
        self.field.setMaximumSequenceLength(2)
        self.field.keySequenceChanged.connect(self._show_verdict)
        self.field.installEventFilter(self)
        if (line := self.field.findChild(QLineEdit)) is not None:
            line.setAccessibleName("New key")
            line.setPlaceholderText("Press a key")
            # The field itself tells a key only a second later, when no other can follow it.
            line.textChanged.connect(self._show_verdict)

    def _entry(self) -> QHBoxLayout:
        self.replace = push_button("Replace", lambda: self._give(keep=False))
        self.add = push_button("Add key", lambda: self._give(keep=True))
        row = QHBoxLayout()
        row.setSpacing(2 * theme.GRID)
        row.addWidget(self.field, 1)
        row.addWidget(self.replace)
        row.addWidget(self.add)
        return row

    def _rest(self) -> QHBoxLayout:
        self.reset = push_button("Reset", lambda: self._take(self.keymap.reset(self._chosen())))
        self.remove = push_button("Remove keys", lambda: self._take(self.keymap.with_keys(self._chosen(), ())))
        self.reset_all = push_button("Reset all", lambda: self._take(self.keymap.reset()))
        row = QHBoxLayout()
        row.setSpacing(2 * theme.GRID)
        row.addWidget(self.reset)
        row.addWidget(self.remove)
        row.addStretch(1)
        row.addWidget(self.reset_all)
        return row

    def choose(self, command_id: str) -> None:
        """Select a command."""
        self.tree.setCurrentItem(self._items[command_id])

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Escape gives up the key that was typed; a second one is that of the dialog.
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                if self.field.keySequence().isEmpty():
                    return False
                self.field.clear()
                return True
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self.replace.isEnabled():
                self.replace.click()
                return True
        return False

    def _fill(self) -> None:
        groups: dict[str, QTreeWidgetItem] = {}
        for command in self.keymap.commands:
            if command.group not in groups:
                heading = groups[command.group] = QTreeWidgetItem([command.group])
                heading.setFont(0, theme.font(bold=True))
                heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
                self.tree.addTopLevelItem(heading)
                heading.setExpanded(True)
            item = QTreeWidgetItem([command.text])
            item.setData(0, _ID, command.id)
            groups[command.group].addChild(item)
            self._items[command.id] = item
        self._show_keys()
        self.tree.setCurrentItem(next(iter(self._items.values())))

    def _show_keys(self) -> None:
        for command_id, item in self._items.items():
            item.setText(1, self.keymap.native(command_id))
            item.setFont(1, theme.font(bold=self.keymap.is_changed(command_id)))
            item.setToolTip(1, "Changed by you" if self.keymap.is_changed(command_id) else "")

    def _search(self, words: str) -> None:
        wanted = words.casefold()
        for command_id, item in self._items.items():
            text = f"{item.text(0)} {item.text(1)} {command_id}".casefold()
            item.setHidden(wanted not in text)
        for row in range(self.tree.topLevelItemCount()):
            heading = self.tree.topLevelItem(row)
            assert heading is not None
            heading.setHidden(all(item.isHidden() for item in self._items.values() if item.parent() is heading))

    def _chosen(self) -> str:
        item = self.tree.currentItem()
        return str(item.data(0, _ID) or "") if item is not None else ""

    def _command(self) -> Command | None:
        chosen = self._chosen()
        return next((command for command in self.keymap.commands if command.id == chosen), None)

    def _show_chosen(self) -> None:
        self.field.clear()
        self._show_verdict()

    def _show_verdict(self) -> None:
        command, key = self._command(), self._typed()
        reason = self.keymap.why_not(command.id, key) if command is not None and key else None
        restyle(self.verdict, role="error" if reason else "muted")
        if command is None:
            self.verdict.setText("Select a command.")
        elif reason is not None:
            self.verdict.setText(f"{reason}.")
        elif key:
            self.verdict.setText(f"{native(key)} is free.")
        else:
            where = "on the canvas" if command.on_canvas else "in the whole window"
            self.verdict.setText(f"“{command.text}” acts {where}. Press the key it shall have.")
        usable = command is not None and bool(key) and reason is None
        has_keys = command is not None and bool(self.keymap.keys(command.id))
        self.replace.setEnabled(usable)
        self.replace.setText("Replace" if has_keys else "Set key")
        self.add.setEnabled(usable and has_keys)
        self.reset.setEnabled(command is not None and self.keymap.is_changed(command.id))
        self.remove.setEnabled(has_keys)
        self.reset_all.setEnabled(bool(self.keymap.changed))

    def _typed(self) -> str:
        return self.field.keySequence().toString(QKeySequence.SequenceFormat.PortableText)

    def _give(self, *, keep: bool) -> None:
        command_id = self._chosen()
        kept = self.keymap.keys(command_id) if keep else ()
        self._take(self.keymap.with_keys(command_id, (*kept, self._typed())))

    def _take(self, keymap: Keymap) -> None:
        self.keymap = keymap
        self._show_keys()
        self._show_chosen()
        self.changed.emit(keymap)
