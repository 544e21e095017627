"""Collects the prompts and findings of one way while its parts are read."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

from composite_runtime.interop.registry_entry import mounts, rules
from composite_runtime.interop.registry_entry.values import Argument, Finding, Prompt, Ref, Severity, Template

_VARIABLE = re.compile(r"\{([A-Za-z_][\w-]*)\}")
_KINDS = {"number", "boolean", "filepath"}


class Builder:
    """The parts of one way as they are found; `kind` is where the package comes from."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.prompts: dict[str, Prompt] = {}
        self.findings: list[Finding] = []
        self.env: dict[str, Template] = {}
        self._shared: dict[str, Ref] = {}

    def add(self, findings: Iterable[Finding]) -> None:
        """Note findings, each once."""
        self.findings.extend(finding for finding in findings if finding not in self.findings)

    def warn(self, message: str) -> None:
        """Note a warning."""
        self.add([Finding(Severity.WARNING, message)])

    def prompt(self, wanted: str, label: str, spec: Mapping[str, Any], *, is_required: bool | None = None) -> Ref:
        """Return the place of a new prompt."""
        ids = (wanted, *(f"{wanted}-{number}" for number in range(2, len(self.prompts) + 3)))
        prompt_id = next(candidate for candidate in ids if candidate not in self.prompts)
        kind = _text(spec.get("format"))
        kind = kind if kind in _KINDS else "string"
        choices = spec.get("choices") if isinstance(spec.get("choices"), list) else []
        is_secret = self._is_secret(label, spec, is_plain=kind == "string" and not choices)
        default = spec.get("default")
        if is_secret and default not in (None, ""):
            self.warn(f"{rules.shown(label, 80)} is a secret with a default, which is not used")
            default = None
        self.prompts[prompt_id] = Prompt(
            id=prompt_id,
            label=rules.shown(label, 80),
            description=rules.shown(spec.get("description")),
            kind=cast(Literal["string", "number", "boolean", "filepath"], kind),
            is_required=bool(spec.get("isRequired")) if is_required is None else is_required,
            is_secret=is_secret,
            is_repeated=bool(spec.get("isRepeated")),
            default=None if default is None else _text(default),
            choices=tuple(_text(choice) for choice in choices or ()),
            placeholder=rules.shown(spec.get("placeholder"), 120),
        )
        return Ref(prompt_id)

    def _is_secret(self, label: str, spec: Mapping[str, Any], *, is_plain: bool) -> bool:
        if "isSecret" in spec:
            return bool(spec["isSecret"])
        if not is_plain or not rules.is_secret_name(label):
            return False
        self.add([Finding(Severity.INFO, f"{rules.shown(label, 80)} is treated as a secret because of its name")])
        return True

    def template(self, text: str, variables: Any, where: str, *, is_required: bool | None = None) -> Template:
        """Return a text in which each `{variable}` is a prompt, or the variable's own value."""
        known = variables if isinstance(variables, dict) else {}
        parts: list[str | Ref] = []
        end = 0
        for match in _VARIABLE.finditer(text):
            spec = known.get(match[1])
            if spec is None:
                continue
            parts.append(text[end : match.start()])
            parts.append(self._variable(match[1], spec if isinstance(spec, dict) else {}, where, is_required))
            end = match.end()
        parts.append(text[end:])
        fixed = "".join(part for part in parts if isinstance(part, str))
        if "${" in fixed or any(match[1] not in self.env for match in _VARIABLE.finditer(fixed)):
            self.warn(f"{rules.shown(where, 80)} has a place holder that nothing fills: {rules.shown(fixed, 60)}")
        return tuple(part for part in parts if part != "") or ("",)

    def _variable(self, name: str, spec: Mapping[str, Any], where: str, is_required: bool | None) -> str | Ref:
        if spec.get("value") is not None:
            return _text(spec["value"])
        shared = _text(spec.get("shared") or "")
        if shared in self._shared:
            return self._shared[shared]
        ref = self.prompt(f"{where}.{name}", name, spec, is_required=is_required)
        if shared:
            self._shared[shared] = ref
        return ref

    def arguments(self, specs: Any, where: str, *, for_runner: bool) -> list[Argument]:
        """Return the arguments of a package, or of what runs it."""
        listed = [spec for spec in specs if isinstance(spec, dict)] if isinstance(specs, list) else []
        found = [self._argument(number, spec, where, for_runner) for number, spec in enumerate(listed, start=1)]
        if for_runner and self._kind == "oci":
            self.add(mounts.of_words([self._suggested(token) for argument in found for token in argument.tokens]))
        return found

    def _suggested(self, template: Template) -> tuple[str, bool]:
        """Return a template with the defaults of its prompts, and whether there is nothing else to be filled in."""
        pieces = (part if isinstance(part, str) else self.prompts[part.prompt].default or "" for part in template)
        return "".join(pieces), all(isinstance(part, str) for part in template)

    def _argument(self, number: int, spec: Mapping[str, Any], where: str, for_runner: bool) -> Argument:
        name = _text(spec.get("name") or "")
        is_named = bool(name) and spec.get("type") != "positional"
        label = name.strip("-=") or rules.shown(spec.get("valueHint"), 80) or f"argument {number}"
        prompt_id = f"{where}.{label}"
        if spec.get("value") is not None:
            value = self.template(_text(spec["value"]), spec.get("variables"), prompt_id)
        elif is_named and spec.get("format") == "boolean":
            self.add(rules.of_argument(self._kind, name, (), for_runner=for_runner))
            ref = self.prompt(prompt_id, label, spec, is_required=False)
            return Argument(((name,),), switch=ref.prompt)
        else:
            value = (self.prompt(prompt_id, label, spec),)
        self.add(rules.of_argument(self._kind, name if is_named else "", value, for_runner=for_runner))
        self._warn_of_visible_secret(name, label, value)
        return Argument(_tokens(name if is_named else "", value), is_repeated=bool(spec.get("isRepeated")))

    def _warn_of_visible_secret(self, name: str, label: str, value: Template) -> None:
        if self._kind == "oci" and name in {"-e", "--env"}:
            return
        if any(isinstance(part, Ref) and self.prompts[part.prompt].is_secret for part in value):
            self.warn(f"the secret {label} is handed over in an argument, which other programs can read")

    def variables(self, specs: Any) -> None:
        """Read the environment variables of a package."""
        for spec in specs if isinstance(specs, list) else []:
            if not isinstance(spec, dict):
                continue
            name, value = _text(spec.get("name") or ""), spec.get("value")
            found = list(rules.of_variable(name, is_fixed=value is not None))
            self.add(found)
            if any(finding.severity is Severity.BLOCK for finding in found):
                continue
            if value is not None:
                self.env[name] = self.template(_text(value), spec.get("variables"), f"env.{name}")
            else:
                self.env[name] = (self.prompt(f"env.{name}", name, spec),)
        self._warn_of_capitals()

    def _warn_of_capitals(self) -> None:
        folded = [name.upper() for name in self.env]
        for name in sorted({name for name in folded if folded.count(name) > 1}):
            self.warn(f"{name} occurs twice with different capitals; Windows keeps one of them")


def _tokens(name: str, value: Template) -> tuple[Template, ...]:
    if not name:
        return (value,)
    if value == ("",):
        return ((name,),)
    return ((name, *value),) if name.endswith("=") else ((name,), value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
