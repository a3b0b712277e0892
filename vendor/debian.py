"""Get a source package through the machine's own apt, without root and without dpkg-dev.

apt brings what we cannot: mirrors, proxies, snapshots and the chain of signatures from the
archive key down to the file. We only lend it private folders, in which the machine's own
sources are repeated with `deb` turned into `deb-src`, so nothing on the machine changes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from pins import FetchError, Pin, Tarball, digest_file

_TIMEOUT = 300  # seconds for one run of apt
_DEB_LINE = re.compile(r"^(\s*)deb(\s)", re.MULTILINE)
_TYPES = re.compile(r"^Types:.*$", re.MULTILINE | re.IGNORECASE)


def download(pin: Pin, work: Path) -> tuple[Tarball, Path, Path | None, str]:
    """Download the newest revision of the package whose upstream tarball we accept.

    Returns the accepted tarball, its path, the path of the distribution's own tarball (with
    its patches; None for a native package) and the version. Raises FetchError.
    """
    if shutil.which("apt-get") is None or shutil.which("apt-cache") is None:
        raise FetchError("this machine has no apt")
    options = _private_apt(work / "apt")
    update = _run(["apt-get", *options, "update", "--quiet"], work)
    records = _run(["apt-cache", *options, "showsrc", "--only-source", pin.debian], work)
    candidates = _accepted(pin, records.stdout)
    if not candidates:
        known = re.findall(r"^Version: (\S+)", records.stdout, re.MULTILINE)
        detail = ", ".join(known) or _last_line(update.stderr) or "nothing"
        raise FetchError(f"apt offers no source of {pin.debian} that we have pinned ({detail})")
    revision = _newest(candidates, work)
    tarball = candidates[revision]
    got = _run(
        ["apt-get", *options, "source", "--download-only", f"{pin.debian}={revision}"], work
    )
    upstream = next((p for p in work.iterdir() if _is_upstream(p, tarball)), None)
    if upstream is None:
        raise FetchError(f"apt did not bring {tarball.filename}: {_complaint(got.stderr)}")
    changes = next((p for p in work.iterdir() if ".debian.tar." in p.name), None)
    return tarball, upstream, changes, revision


def _private_apt(folder: Path) -> list[str]:
    parts = folder / "parts"
    for path in (parts, folder / "lists" / "partial", folder / "cache" / "archives" / "partial"):
        path.mkdir(parents=True)
    found = _copy_sources(parts)
    if not found:
        raise FetchError("apt has no package sources configured")
    settings = {
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": parts,
        "Debug::NoLocking": "true",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": "30",
        "Acquire::https::Timeout": "30",
        "APT::Sandbox::User": "",  # its own user could not enter our folders
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _copy_sources(parts: Path) -> int:
    config = _apt_config()
    main = Path(config.get("MAIN") or "/etc/apt/sources.list")
    folder = Path(config.get("PARTS") or "/etc/apt/sources.list.d")
    # apt reads exactly these two endings: another one means that someone switched it off
    files = [main] if main.is_file() else []
    files += [p for p in sorted(folder.glob("*")) if p.suffix in (".list", ".sources")]
    for number, path in enumerate(files):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if path.suffix == ".sources":
            text = _TYPES.sub("Types: deb-src", text)
        else:
            text = _DEB_LINE.sub(r"\1deb-src\2", text)
        suffix = path.suffix if path.suffix == ".sources" else ".list"
        (parts / f"{number:02}{suffix}").write_text(text, encoding="utf-8")
    return len(files)


def _apt_config() -> dict[str, str]:
    words = ["apt-config", "shell", "MAIN", "Dir::Etc::SourceList/f"]
    words += ["PARTS", "Dir::Etc::SourceParts/d"]
    output = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    return dict(re.findall(r"^(\w+)='([^']*)'", output, re.MULTILINE))


def _accepted(pin: Pin, showsrc: str) -> dict[str, Tarball]:
    accepted: dict[str, Tarball] = {}
    for record in showsrc.split("\n\n"):
        version = re.search(r"^Version: (\S+)", record, re.MULTILINE)
        hashes = re.findall(r"^ ([0-9a-f]{64}) \d+ (\S+\.orig\.tar\.\S+)$", record, re.MULTILINE)
        for sha256, _ in hashes:
            tarball = pin.by_hash(sha256)
            if version and tarball:
                accepted[version[1]] = tarball
    return accepted


def _newest(candidates: dict[str, Tarball], work: Path) -> str:
    best = ""
    for version in candidates:
        words = ["dpkg", "--compare-versions", version, "gt", best]
        if not best or _run(words, work).returncode == 0:
            best = version
    return best


def _is_upstream(path: Path, tarball: Tarball) -> bool:
    return ".orig.tar." in path.name and digest_file(path) == tarball.sha256


def _run(words: list[str], work: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words, cwd=work, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"{words[0]} failed: {error}") from error


def _complaint(text: str) -> str:
    """Return apt's first error, which names the file; its last one only counts them."""
    return next((line for line in text.splitlines() if line.startswith("E: ")), _last_line(text))


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no message"
