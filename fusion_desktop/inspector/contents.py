"""What a tool or a resource gave back, block by block: text, images, audio, links, and what nobody knows yet."""

import base64
import binascii
from collections.abc import Callable
from typing import Any, TypeAlias

from PySide6.QtCore import QCoreApplication, QDir, QSize, Qt, QTemporaryFile, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from fusion_desktop import theme
from fusion_desktop.controls import clear, reading
from fusion_desktop.inspector.json_tree import JsonTree
from fusion_desktop.inspector.long_text import excerpt
from fusion_desktop.inspector.markdown import MarkdownText, is_markdown, plain_area
from fusion_desktop.inspector.values import DraftError, parse_json

Json: TypeAlias = Any

_TREE_HEIGHT = 220
_ENDINGS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "x-flac": "flac", "plain": "txt"}
_PLAYED = frozenset({"mp3", "wav", "ogg", "opus", "flac", "aac", "m4a"})
_PARSED = 1_000_000
"""A longer text is not looked at for JSON."""
_BLOCKS = 200
"""More parts than this are not shown one by one."""
_IMAGE_HEIGHT = 320
_LONG = 40
"""Longer words may not all be seen; they are shown when they are pointed at, too."""


class Contents(QWidget):
    """A column of content blocks."""

    wanted = Signal(str)
    """The URI of a linked resource that shall be read."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(3 * theme.GRID)

    def show_blocks(self, blocks: list[Json]) -> None:
        """Show content blocks as MCP sends them."""
        clear(self._layout)
        for block in blocks[:_BLOCKS]:
            self._layout.addWidget(self._block(block))
        if (left := len(blocks) - _BLOCKS) > 0:
            self._layout.addWidget(reading(f"{left} more parts are in the raw JSON."))
        self._layout.addStretch(1)

    def _block(self, block: Json) -> QWidget:
        if isinstance(block, dict) and "role" in block and "content" in block:
            return _titled(str(block["role"]), self._block(block["content"]))
        kind = block.get("type") if isinstance(block, dict) else None
        match kind:
            case "text" if isinstance(block.get("text"), str):
                return text_block(block["text"])
            case "image" | "audio" if isinstance(block.get("data"), str):
                return _media(block["data"], str(block.get("mimeType", "")))
            case "resource_link" if isinstance(block.get("uri"), str):
                return self._link(block)
            case "resource" if isinstance(block.get("resource"), dict):
                return resource_block(block["resource"])
            case _:
                return _tree(block)

    def _link(self, block: Json) -> QWidget:
        uri = block["uri"]
        title = str(block.get("title") or block.get("name") or uri)
        size = block.get("size")
        facts = (
            uri if uri != title else "",
            str(block.get("mimeType") or ""),
            _size(size) if isinstance(size, int) and not isinstance(size, bool) else "",
        )
        about = " · ".join(filter(None, facts))
        words = str(block.get("description") or "")
        return _row(title, words, ("Read", lambda: self.wanted.emit(uri)), about=about)


def resource_block(resource: Json) -> QWidget:
    """Return a resource with its address above its content."""
    uri, kind = str(resource.get("uri", "")), str(resource.get("mimeType", ""))
    if isinstance(resource.get("text"), str):
        body = text_block(resource["text"], kind)
    elif isinstance(resource.get("blob"), str):
        body = _media(resource["blob"], kind)
    else:
        body = _tree(resource)
    return _titled(" · ".join(part for part in (uri, kind) if part), body)


def text_block(text: str, kind: str = "") -> QWidget:
    """Return a text to be read and copied: a JSON object or list as a tree, Markdown as it is meant to look."""
    if text[:1] in "{[" and 0 < len(text) <= _PARSED:
        try:
            value = parse_json(text)
        except DraftError:
            value = None
        if isinstance(value, dict | list):
            return _tree(value)
    if not text:
        return reading("Empty text.", "muted")
    part = excerpt(text)
    is_plain = bool(part.left_out) or (kind not in ("", "text/markdown"))
    body = plain_area(part.text) if is_plain or not is_markdown(text, kind) else MarkdownText(text)
    if not part.left_out:
        return body
    copy = ("Copy all", lambda: QGuiApplication.clipboard().setText(text))
    return _titled(part.left_out, body, copy, ("Save…", _saver(text.encode("utf-8", "replace"), "text/plain")))


def _tree(value: Json) -> QWidget:
    tree = JsonTree()
    tree.show_value(value)
    rows = len(value) if isinstance(value, dict | list) else 1
    # As high as its rows, within bounds: what is opened later scrolls.
    tree.setFixedHeight(min(max(rows, 3) * 26 + 8, _TREE_HEIGHT))
    return tree


def _media(data: str, kind: str) -> QWidget:
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return reading(f"This is said to be {kind or 'binary'}, but it is no base64.", "warning")
    save = ("Save…", _saver(content, kind))
    # Qt's own player is not part of what is installed; the system's is. It is given nothing that could be a program.
    if kind.startswith("audio/") and _ending(kind) in _PLAYED:
        return _row("", f"{kind} · {_size(len(content))}", ("Play", _player(content, _ending(kind))), save)
    image = QImage.fromData(content) if kind.startswith("image/") else QImage()
    if not image.isNull():
        words = f"{kind} · {image.width()} × {image.height()} · {_size(len(content))}"
        return _titled(words, _Picture(image), save)
    unshown = " · it cannot be shown" if kind.startswith("image/") else ""
    return _row("", f"{kind or 'binary data'} · {_size(len(content))}{unshown}", save)


class _Picture(QLabel):
    """An image, made smaller when there is less room; its accessible name says that it is one."""

    def __init__(self, image: QImage) -> None:
        super().__init__()
        self._image = image
        self.setAccessibleName(f"Image, {image.width()} by {image.height()}")
        self.setMinimumWidth(40)
        self._fit(image.width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit(event.size().width())

    def _fit(self, width: int) -> None:
        ratio = self.devicePixelRatioF()
        room = QSize(max(1, min(width, self._image.width())), min(_IMAGE_HEIGHT, self._image.height()))
        keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        made = QPixmap.fromImage(self._image.scaled(room * ratio, keep, smooth))
        made.setDevicePixelRatio(ratio)
        self.setPixmap(made)
        self.setFixedHeight(round(made.height() / ratio))


def _saver(content: bytes, kind: str) -> Callable[[], None]:
    def save() -> None:
        QFileDialog.saveFileContent(content, f"result.{_ending(kind)}")

    return save


def _player(content: bytes, ending: str) -> Callable[[], None]:
    def play() -> None:
        app = QCoreApplication.instance()
        assert app is not None
        file = QTemporaryFile(f"{QDir.tempPath()}/fusion-XXXXXX.{ending}", app)
        if file.open():
            file.write(content)
            file.close()
            QDesktopServices.openUrl(QUrl.fromLocalFile(file.fileName()))

    return play


def _ending(kind: str) -> str:
    name = kind.partition(";")[0].rpartition("/")[2].partition("+")[0].lower()
    return _ENDINGS.get(name, "".join(c for c in name if c.isalnum())[:8]) or "bin"


def _row(title: str, words: str, *buttons: tuple[str, Callable[[], None]], about: str = "") -> QWidget:
    row = QWidget()
    column = QVBoxLayout()
    column.setSpacing(0)
    for text, role in ((title, "here"), (about, "caption"), (words, "")):
        if text:
            column.addWidget(_fitting(reading(text, role)))
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2 * theme.GRID)
    layout.addLayout(column, 1)
    for button in buttons:
        layout.addWidget(_push(button, title or words), 0, Qt.AlignmentFlag.AlignTop)
    return row


def _fitting(label: QLabel) -> QLabel:
    # An address without a space would else push the buttons out of sight.
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    policy.setHeightForWidth(True)
    label.setSizePolicy(policy)
    label.setToolTip(label.text() if len(label.text()) > _LONG else "")
    return label


def _titled(title: str, body: QWidget, *buttons: tuple[str, Callable[[], None]]) -> QWidget:
    box = QWidget()
    layout = QVBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(theme.GRID)
    head = QHBoxLayout()
    caption = reading(title)
    caption.setProperty("role", "caption")
    head.addWidget(_fitting(caption), 1)
    for button in buttons:
        head.addWidget(_push(button, title))
    layout.addLayout(head)
    layout.addWidget(body)
    return box


def _push(button: tuple[str, Callable[[], None]], about: str) -> QPushButton:
    made = QPushButton(button[0])
    made.setAccessibleName(f"{button[0].rstrip('…')} {about}")
    made.clicked.connect(button[1])
    return made


def _size(count: int) -> str:
    return (
        f"{count} bytes"
        if count < 1024
        else f"{count / 1024:.1f} kB"
        if count < 1024**2
        else f"{count / 1024**2:.1f} MB"
    )
