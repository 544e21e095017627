import os
import stat
import sys
from pathlib import Path

import pytest

from composite_runtime import files
from composite_runtime.errors import FusionError

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither modes nor links for everybody")


def test_text_is_written_and_read_as_utf_8(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a.txt", "Größe\n")

    assert (tmp_path / "a.txt").read_bytes() == "Größe\n".encode()
    assert files.read_text(tmp_path / "a.txt") == "Größe\n"


def test_line_ends_are_kept(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a.txt", "one\r\ntwo\n")

    assert files.read_text(tmp_path / "a.txt") == "one\r\ntwo\n"


def test_folders_are_made(tmp_path: Path) -> None:
    files.write_text(tmp_path / "new" / "deep" / "a.txt", "text")

    assert files.read_text(tmp_path / "new" / "deep" / "a.txt") == "text"


def test_only_the_file_itself_is_left(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a.txt", "old")
    files.write_text(tmp_path / "a.txt", "new")

    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a.txt", "old")

    def refuse() -> None:
        raise FusionError("somebody else was quicker")

    with pytest.raises(FusionError, match="somebody else was quicker"):
        files.write_text(tmp_path / "a.txt", "new", last_look=refuse)

    assert files.read_text(tmp_path / "a.txt") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@posix
def test_the_permissions_of_an_existing_file_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)

    files.write_text(path, "new", new_mode=0o600)

    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@posix
def test_a_new_file_gets_the_mode_asked_for_or_the_usual_one(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        files.write_text(tmp_path / "usual.txt", "text")
        files.write_text(tmp_path / "private.txt", "text", new_mode=0o600)
    finally:
        os.umask(mask)

    assert stat.S_IMODE((tmp_path / "usual.txt").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "private.txt").stat().st_mode) == 0o600


@posix
def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    target = tmp_path / "target.txt"
    target.write_text("old", encoding="utf-8")
    link = tmp_path / "link.txt"
    link.symlink_to(target)

    files.write_text(link, "new")

    assert link.is_symlink()
    assert files.read_text(target) == "new"


def test_what_cannot_be_read_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")

    with pytest.raises(FusionError, match=r"none\.txt does not exist"):
        files.read_text(tmp_path / "none.txt")
    with pytest.raises(FusionError, match=r"latin\.txt is not UTF-8 text: the byte at offset 3"):
        files.read_text(tmp_path / "latin.txt")
    with pytest.raises(FusionError, match="cannot be read"):
        files.read_text(tmp_path)


def test_what_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    with pytest.raises(FusionError, match="cannot be written"):
        files.write_text(tmp_path / "file" / "a.txt", "text")
