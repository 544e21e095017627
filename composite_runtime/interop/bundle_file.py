"""Opening somebody's `.mcpb` bundle: look at it without running anything, then unpack it and make a node of it."""

import hashlib
import json
import re
import shutil
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from composite_runtime import paths
from composite_runtime.errors import ConfigError
from composite_runtime.interop.registry_entry import Finding, Prompt, Severity, Way
from composite_runtime.interop.registry_entry.rules import changes_how_programs_start, is_variable, shown
from composite_runtime.interop.registry_entry.values import Argument, Ref, Template

_LARGEST = 512 * 1024 * 1024
_MOST_FILES = 50_000
_HIGHEST_RATIO = 200
_MANIFEST_LARGEST = 1024 * 1024
_VERSIONS = {"0.1", "0.2", "0.3", "0.4"}
_KINDS = {"string": "string", "number": "number", "boolean": "boolean", "directory": "filepath", "file": "filepath"}
_PLACE = re.compile(r"\$\{(?P<name>[^}]+)\}")
_SIGNATURE = b"MCPB_SIG_V1"


@dataclass(frozen=True)
class BundleFile:
    """A bundle that was looked at; `way` runs it from `folder` once it is unpacked there."""

    path: Path
    digest: str
    name: str
    title: str
    description: str
    version: str
    author: str
    is_signed: bool
    folder: Path
    way: Way


def look(path: Path, platform: str) -> BundleFile:
    """Return what a bundle says about itself; nothing is unpacked.

    Raises:
        ConfigError: it is no bundle, or one that would write outside its folder or fill the disk.
    """
    try:
        content = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            _refuse_unsafe(path, archive)
            manifest = _manifest(path, archive)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except zipfile.BadZipFile:
        raise ConfigError(f"{path} is not a bundle: it is no ZIP archive") from None
    digest = hashlib.sha256(content).hexdigest()
    folder = paths.home() / "bundles" / digest
    author = manifest.get("author")
    return BundleFile(
        path=path,
        digest=digest,
        name=shown(manifest.get("name"), 100),
        title=shown(manifest.get("display_name"), 100) or shown(manifest.get("name"), 100),
        description=shown(manifest.get("description")),
        version=shown(manifest.get("version"), 60),
        author=shown(author.get("name"), 100) if isinstance(author, dict) else "",
        is_signed=_SIGNATURE in content[-65536:],
        folder=folder,
        way=_way(path, manifest, folder, platform),
    )


def unpack(bundle: BundleFile) -> None:
    """Unpack a bundle into its folder, unless it is there already; raise `ConfigError`."""
    if bundle.folder.exists():
        return
    half_done = bundle.folder.with_name(f"{bundle.digest}.part")
    shutil.rmtree(half_done, ignore_errors=True)
    try:
        half_done.mkdir(parents=True)
        with zipfile.ZipFile(bundle.path) as archive:
            _refuse_unsafe(bundle.path, archive)
            for info in archive.infolist():
                _extract(archive, info, half_done)
        half_done.rename(bundle.folder)
    except (OSError, zipfile.BadZipFile) as error:
        shutil.rmtree(half_done, ignore_errors=True)
        raise ConfigError(f"{bundle.path} cannot be unpacked: {error}") from None


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> None:
    target = folder.joinpath(*PurePosixPath(info.filename).parts)
    if info.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink)
    if (info.external_attr >> 16) & 0o111:
        target.chmod(0o755)


def _refuse_unsafe(path: Path, archive: zipfile.ZipFile) -> None:
    infos = archive.infolist()
    if len(infos) > _MOST_FILES:
        raise ConfigError(f"{path} is refused: it holds {len(infos)} files")
    total = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if total > _LARGEST or total > _HIGHEST_RATIO * max(packed, 1 << 16):
        raise ConfigError(f"{path} is refused: unpacked it would have {total >> 20} MiB")
    for info in infos:
        name = info.filename
        parts = PurePosixPath(name).parts
        is_outside = name.startswith("/") or ".." in parts or "\\" in name or ":" in name or "\0" in name or not parts
        if is_outside or stat.S_ISLNK(info.external_attr >> 16) or info.flag_bits & 1:
            raise ConfigError(f"{path} is refused: {shown(name, 80)!r} would not stay inside the bundle's folder")


def _manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        info = archive.getinfo("manifest.json")
    except KeyError:
        raise ConfigError(f"{path} is not a bundle: it has no manifest.json") from None
    if info.file_size > _MANIFEST_LARGEST:
        raise ConfigError(f"{path} is refused: its manifest.json is too large")
    try:
        manifest = json.loads(archive.read(info).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: its manifest.json is not valid JSON: {error}") from None
    if not isinstance(manifest, dict):
        raise ConfigError(f"{path}: its manifest.json is no JSON object")
    version = manifest.get("manifest_version") or manifest.get("dxt_version")
    if version not in _VERSIONS:
        raise ConfigError(f"{path}: its manifest has the version {shown(str(version), 20)}, which is not known here")
    return manifest


def _way(path: Path, manifest: Mapping[str, Any], folder: Path, platform: str) -> Way:
    server = manifest.get("server")
    config = server.get("mcp_config") if isinstance(server, dict) else None
    if not isinstance(server, dict) or not isinstance(config, dict):
        raise ConfigError(f"{path}: its manifest does not say how the server is started")
    overrides = config.get("platform_overrides")
    ours = overrides.get(platform) if isinstance(overrides, dict) else None
    config = {**config, **ours} if isinstance(ours, dict) else config
    prompts = _prompts(manifest.get("user_config"))
    templates = _Templates(folder, prompts)
    command = templates.fixed(config.get("command"))
    env = config.get("env") if isinstance(config.get("env"), dict) else {}
    listed = config.get("args")
    args = [arg for arg in listed if isinstance(arg, str)] if isinstance(listed, list) else []
    return Way(
        origin="mcpb",
        transport="stdio",
        label=shown(f"{command} {' '.join(args)}", 200),
        command=command,
        arguments=tuple(templates.argument(arg) for arg in args),
        env={name: templates.template(value) for name, value in (env or {}).items() if isinstance(value, str)},
        prompts=prompts,
        findings=tuple(_findings(command, env or {}, manifest, platform)),
    )


def _findings(command: str, env: Mapping[str, Any], manifest: Mapping[str, Any], platform: str) -> list[Finding]:
    found = [Finding(Severity.INFO, f"it starts the program {command}")]
    if not command:
        found.append(Finding(Severity.BLOCK, "it does not say which program to start"))
    for name, value in env.items():
        if not is_variable(name):
            found.append(Finding(Severity.BLOCK, f"{shown(name, 40)!r} is not the name of an environment variable"))
        elif changes_how_programs_start(name) and "__dirname" not in str(value):
            # Bundles set the search path of their own modules, which is what they are for.
            found.append(Finding(Severity.BLOCK, f"it sets {name}, which changes how programs start"))
    compatibility = manifest.get("compatibility")
    platforms = compatibility.get("platforms") if isinstance(compatibility, dict) else None
    if isinstance(platforms, list) and platform not in platforms:
        found.append(Finding(Severity.WARNING, "its author does not say that it works on this system"))
    return found


def _prompts(user_config: Any) -> dict[str, Prompt]:
    prompts: dict[str, Prompt] = {}
    for key, spec in user_config.items() if isinstance(user_config, dict) else ():
        if not isinstance(spec, dict):
            continue
        default = spec.get("default")
        is_secret = spec.get("sensitive") is True
        has_default = isinstance(default, str | int | float) and not is_secret
        prompts[key] = Prompt(
            id=key,
            label=shown(spec.get("title"), 80) or shown(key, 80),
            description=shown(spec.get("description")),
            kind=_KINDS.get(str(spec.get("type")), "string"),  # type: ignore[arg-type]  # the values are the literals
            is_required=spec.get("required") is True,
            is_secret=is_secret,
            is_repeated=spec.get("multiple") is True,
            default=str(default).lower() if isinstance(default, bool) else str(default) if has_default else None,
        )
    return prompts


class _Templates:
    """Puts the bundle's folder and the prompts where the manifest's place holders are."""

    def __init__(self, folder: Path, prompts: Mapping[str, Prompt]) -> None:
        self._known = {
            "__dirname": str(folder),
            "HOME": str(Path.home()),
            "DESKTOP": str(Path.home() / "Desktop"),
            "DOCUMENTS": str(Path.home() / "Documents"),
            "DOWNLOADS": str(Path.home() / "Downloads"),
            "/": "/",
            "pathSeparator": "/",
        }
        self._prompts = prompts

    def fixed(self, text: Any) -> str:
        """Return a text that may not hold prompts."""
        return "".join(part for part in self.template(text if isinstance(text, str) else "") if isinstance(part, str))

    def argument(self, text: str) -> Argument:
        """Return an argument; only one that is a prompt as a whole can become several."""
        template = self.template(text)
        is_whole = len(template) == 1 and isinstance(template[0], Ref)
        return Argument((template,), is_repeated=is_whole)

    def template(self, text: str) -> Template:
        """Return a text as a template."""
        parts: list[str | Ref] = []
        end = 0
        for match in _PLACE.finditer(text):
            name = match["name"]
            key = name.removeprefix("user_config.")
            if name in self._known:
                part: str | Ref = self._known[name]
            elif key != name and key in self._prompts:
                part = Ref(key)
            else:
                continue
            parts += [text[end : match.start()], part]
            end = match.end()
        parts.append(text[end:])
        return tuple(part for part in parts if part != "") or ("",)
