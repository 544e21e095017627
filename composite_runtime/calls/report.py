"""Results for people and for build servers."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from composite_runtime.calls.runner import Result, Status

# XML has no way to write these, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def summary(results: Iterable[Result]) -> str:
    """Return the counts in one line."""
    counts = Counter(result.status for result in results)
    parts = [f"{counts[Status.PASSED]} passed", f"{counts[Status.FAILED]} failed"]
    if counts[Status.NOT_MADE]:
        parts.append(f"{counts[Status.NOT_MADE]} could not be made")
    return ", ".join(parts)


def as_junit(suite: str, results: Sequence[Result]) -> str:
    """Return the results in the form build servers read."""
    counts = Counter(result.status for result in results)
    root = ElementTree.Element(
        "testsuite",
        name=_xml(suite),
        tests=str(len(results)),
        failures=str(counts[Status.FAILED]),
        errors=str(counts[Status.NOT_MADE]),
        time=_seconds(sum(result.milliseconds or 0 for result in results)),
    )
    for result in results:
        folder, _, name = result.key.rpartition("/")
        case = ElementTree.SubElement(
            root,
            "testcase",
            classname=_xml(f"{suite}.{folder.replace('/', '.')}".rstrip(".")),
            name=_xml(name),
            time=_seconds(result.milliseconds or 0),
        )
        if result.status is not Status.PASSED:
            kind = "failure" if result.status is Status.FAILED else "error"
            told = ElementTree.SubElement(case, kind, message=_xml(result.message))
            told.text = _xml("\n".join(f"{verdict.kind}: {verdict.message}" for verdict in result.verdicts))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.3f}"
