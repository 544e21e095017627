"""Help with texts that have a form of their own: a calendar for dates, the present time, the content of a file."""

import base64
import datetime
from pathlib import Path

from PySide6.QtCore import QDate, Qt
from PySide6.QtWidgets import QCalendarWidget, QFileDialog, QMenu, QPlainTextEdit, QToolButton, QWidgetAction

from fusion_desktop.assets import icon
from fusion_desktop.inspector.schema import Field

FILE_LIMIT = 32 * 1024 * 1024
"""A larger file is not put into an argument."""


def picker_for(field: Field, area: QPlainTextEdit) -> QToolButton | None:
    """Return a button that fills in a text, where one helps."""
    form = field.schema.get("format")
    if form in ("date", "date-time", "time"):
        return _Moment(str(form), area)
    if field.schema.get("contentEncoding") == "base64" or form in ("byte", "binary"):
        return _FilePicker(area)
    return None


class _Moment(QToolButton):
    """Offers a calendar and the present moment."""

    def __init__(self, form: str, area: QPlainTextEdit) -> None:
        super().__init__()
        self._form = form
        self._area = area
        self.setIcon(icon("clock", "muted"))
        self.setToolTip("Choose a day" if form == "date" else "Choose a time")
        self.setAccessibleName(self.toolTip())
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        self._menu = QMenu(self)
        self._menu.addAction("Today" if form == "date" else "Now", self.take_now)
        self._calendar: QCalendarWidget | None = None
        if form != "time":
            self._menu.aboutToShow.connect(self._show_present)
        self.setMenu(self._menu)

    def take_now(self) -> None:
        """Fill in this day or moment."""
        now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        zulu = now.isoformat().replace("+00:00", "Z")
        text = datetime.datetime.now().date().isoformat() if self._form == "date" else zulu
        self._area.setPlainText(zulu.partition("T")[2] if self._form == "time" else text)

    def take_day(self, day: QDate) -> None:
        """Fill in a day; a time that is already there stays."""
        text = day.toString(Qt.DateFormat.ISODate)
        if self._form == "date-time":
            time = self._area.toPlainText().strip().partition("T")[2] or "00:00:00Z"
            text = f"{text}T{time}"
        self._area.setPlainText(text)
        self._menu.close()

    def _show_present(self) -> None:
        if self._calendar is None:
            self._calendar = QCalendarWidget()
            self._calendar.setAccessibleName("Calendar")
            self._calendar.clicked.connect(self.take_day)
            action = QWidgetAction(self._menu)
            action.setDefaultWidget(self._calendar)
            self._menu.addAction(action)
        day = QDate.fromString(self._area.toPlainText().strip()[:10], Qt.DateFormat.ISODate)
        self._calendar.setSelectedDate(day if day.isValid() else QDate.currentDate())


class _FilePicker(QToolButton):
    """Puts the content of a file into the field, as base64."""

    def __init__(self, area: QPlainTextEdit) -> None:
        super().__init__()
        self._area = area
        self.setIcon(icon("folder-open", "muted"))
        self.setToolTip("Take the content of a file")
        self.setAccessibleName(self.toolTip())
        self.clicked.connect(self._choose)

    def take(self, path: str) -> None:
        """Take the content of this file; one that is too large or cannot be read leaves the field as it is."""
        file = Path(path)
        try:
            content = file.read_bytes() if file.stat().st_size <= FILE_LIMIT else None
        except OSError as error:
            self.setToolTip(f"{file.name} cannot be read: {error.strerror}")
            return
        if content is None:
            self.setToolTip(f"{file.name} is larger than {FILE_LIMIT // 1024**2} MB")
            return
        self._area.setPlainText(base64.b64encode(content).decode())

    def _choose(self) -> None:
        dialog = QFileDialog(self, "Choose a file")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.take)
        dialog.open()
