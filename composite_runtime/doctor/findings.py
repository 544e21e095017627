"""What an examination finds: immutable values, made for a screen as well as for a program."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Step(StrEnum):
    """What is looked at, in this order; a server has the local steps or the remote ones, and those at the end."""

    COMMAND = "command"
    VERSION = "version"
    FOLDER = "folder"
    REFERENCES = "references"
    SPAWN = "spawn"
    OUTPUT = "output"
    ADDRESS = "address"
    CONNECTION = "connection"
    ENCRYPTION = "encryption"
    ANSWER = "answer"
    AUTHORIZATION = "authorization"
    HANDSHAKE = "handshake"
    ERA = "era"
    LISTS = "lists"


_COMMON = (Step.HANDSHAKE, Step.ERA, Step.LISTS)
LOCAL_STEPS = (Step.COMMAND, Step.VERSION, Step.FOLDER, Step.REFERENCES, Step.SPAWN, Step.OUTPUT, *_COMMON)
REMOTE_STEPS = (
    Step.REFERENCES,
    Step.ADDRESS,
    Step.CONNECTION,
    Step.ENCRYPTION,
    Step.ANSWER,
    Step.AUTHORIZATION,
    *_COMMON,
)


class Outcome(StrEnum):
    """How a check went. What is warned of does not keep the server from working."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Fix:
    """A remedy a program can offer as a button: what to do, and with what."""

    action: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.value}".rstrip()


@dataclass(frozen=True)
class Finding:
    """What is wrong: `fault` is its stable name, `message` and `remedy` are sentences for the user."""

    fault: str
    message: str
    remedy: str
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True)
class Check:
    """One step of an examination; `detail` holds what was seen, line by line."""

    step: Step
    outcome: Outcome
    message: str
    finding: Finding | None = None
    detail: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the check as JSON; each fix also as the one line it is known by."""
        data = asdict(self)
        if self.finding is not None:
            data["finding"]["fixes"] = [{"id": str(fix), **asdict(fix)} for fix in self.finding.fixes]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Check":
        """Return the check that `to_json` has written."""
        found = data.get("finding")
        finding = found and Finding(
            found["fault"],
            found["message"],
            found["remedy"],
            tuple(Fix(fix["action"], fix["value"]) for fix in found["fixes"]),
        )
        return cls(Step(data["step"]), Outcome(data["outcome"]), data["message"], finding, tuple(data["detail"]))


def passed(step: Step, message: str, *detail: str) -> Check:
    """Return a check that went well."""
    return Check(step, Outcome.PASSED, message, None, detail)


def skipped(step: Step, message: str) -> Check:
    """Return a check that was not made, and why."""
    return Check(step, Outcome.SKIPPED, message)


def warned(step: Step, finding: Finding, *detail: str) -> Check:
    """Return a check that found something odd."""
    return Check(step, Outcome.WARNED, finding.message, finding, detail)


def failed(step: Step, finding: Finding, *detail: str) -> Check:
    """Return a check that found why the server cannot be used."""
    return Check(step, Outcome.FAILED, finding.message, finding, detail)


@dataclass(frozen=True)
class Diagnosis:
    """All checks of one server, in their order."""

    node: str
    name: str
    checks: tuple[Check, ...] = field(default=())

    @property
    def is_healthy(self) -> bool:
        """Whether the server can be used."""
        return all(check.outcome is not Outcome.FAILED for check in self.checks)

    @property
    def worst(self) -> Check | None:
        """The first check that failed, else the first that warned of something."""
        for outcome in (Outcome.FAILED, Outcome.WARNED):
            found = next((check for check in self.checks if check.outcome is outcome), None)
            if found is not None:
                return found
        return None

    @property
    def fault(self) -> str | None:
        """The name of what is wrong, or None."""
        worst = self.worst
        return worst.finding.fault if worst is not None and worst.finding is not None else None

    def to_json(self) -> dict[str, Any]:
        """Return the diagnosis as JSON."""
        return {
            "node": self.node,
            "name": self.name,
            "healthy": self.is_healthy,
            "fault": self.fault,
            "checks": [check.to_json() for check in self.checks],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Diagnosis":
        """Return the diagnosis that `to_json` has written."""
        return cls(data["node"], data["name"], tuple(Check.from_json(check) for check in data["checks"]))
