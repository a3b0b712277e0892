"""Read a PIN: which upstream project we build, and which files of it we trust."""

from __future__ import annotations

import configparser
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from forms import find_forms, lay_over

VENDOR = Path(__file__).resolve().parent


class FetchError(Exception):
    """A source could not be used; the text says why in one line."""


@dataclass(frozen=True)
class Tarball:
    """One archive we accept: the hash decides, the URL (if any) says where upstream keeps it."""

    filename: str
    version: str
    sha256: str
    size: int | None
    url: str | None


@dataclass(frozen=True)
class Patch:
    """One of our own patches: the versions that need it, and what makes it superfluous.

    A version with a question mark ("4.3.6?", or "*?" for every other one) may be one that we have
    not seen: the patch is applied if it fits and left out, loudly, if it does not.
    """

    path: Path
    versions: tuple[str, ...]
    unless: str | None

    @property
    def only_speed(self) -> bool:
        """Whether nothing is wrong without it: libzmq is only slower."""
        return self.path.parent.name == "speed"

    @property
    def name(self) -> str:
        """Its folder, which says what for, and the name of its file."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def sentence(self) -> str:
        """What holds with it: the first line of its head."""
        with self.path.open(encoding="utf-8") as lines:
            return lines.readline().strip()

    def wanted(self, version: str, distribution_patches: tuple[str, ...]) -> bool:
        """Tell whether a tree of `version` that carries `distribution_patches` needs this one."""
        known = self.must_fit(version) or f"{version}?" in self.versions or "*?" in self.versions
        return known and self.unless not in distribution_patches

    def must_fit(self, version: str) -> bool:
        """Tell whether it is an error if the patch does not fit."""
        return version in self.versions

    def texts(self, version: str) -> list[str]:
        """Return what to try on a tree of `version`, in this order; the first that fits is it.

        One text for a version that must have it; every form, the newest first, for another.
        """
        text = self.path.read_text(encoding="utf-8")
        forms = {of: path.read_text(encoding="utf-8") for of, path in self.forms().items()}
        if self.must_fit(version):
            return [lay_over(text, forms[version]) if version in forms else text]
        return [*(lay_over(text, form) for form in forms.values()), text]

    def forms(self) -> dict[str, Path]:
        """Return the files with what other versions need in its place, the newest first."""
        return find_forms(self.path)


@dataclass(frozen=True)
class Pin:
    """The parsed PIN of one project."""

    name: str
    version: str
    environment: str
    pkgconfig: str
    debian: str
    keep: tuple[str, ...]
    licenses: tuple[str, ...]
    tarballs: tuple[Tarball, ...]
    patches: tuple[Patch, ...]

    @property
    def folder(self) -> Path:
        """The folder of the project below vendor/."""
        return VENDOR / self.name

    def by_hash(self, sha256: str) -> Tarball | None:
        """Find the accepted tarball with this hash."""
        return next((t for t in self.tarballs if t.sha256 == sha256), None)

    def patches_for(self, version: str, distribution_patches: tuple[str, ...]) -> list[Patch]:
        """List our patches that a tree of `version` needs, in the order of the PIN.

        With ZMQLITE_PATCHES=faults without those that only bring speed.
        """
        found = [p for p in self.patches if p.wanted(version, distribution_patches)]
        return [p for p in found if not p.only_speed] if faults_only() else found


def read_pin(name: str) -> Pin:
    """Parse vendor/<name>/PIN."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(VENDOR / name / "PIN", encoding="utf-8")
    project = parser["project"]
    tarballs = tuple(
        Tarball(
            filename=section,
            version=body["version"],
            sha256=body["sha256"],
            size=int(body["size"]) if "size" in body else None,
            url=body.get("url"),
        )
        for section, body in parser.items()
        if "sha256" in body
    )
    return Pin(
        name=project["name"],
        version=project["version"],
        environment=project["environment"],
        pkgconfig=project["pkgconfig"],
        debian=project["debian"],
        keep=tuple(project["keep"].split()),
        licenses=tuple(project["licenses"].split()),
        tarballs=tarballs,
        patches=tuple(
            _patch(VENDOR / name / "patches" / file, rule)
            for file, rule in parser["patches"].items()
        ),
    )


def faults_only() -> bool:
    """Read ZMQLITE_PATCHES: `all` of our patches (the default), or only those for `faults`."""
    chosen = os.environ.get("ZMQLITE_PATCHES", "") or "all"
    if chosen not in ("all", "faults"):
        raise FetchError(f"ZMQLITE_PATCHES={chosen}: say `all` or `faults`")
    return chosen == "faults"


def _patch(path: Path, rule: str) -> Patch:
    versions, _, unless = rule.partition(" unless ")
    return Patch(path, tuple(versions.split()), unless.strip() or None)


def digest_file(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def digest_patches(patches: list[Patch]) -> str:
    """Return one hash over the names and texts of a list of our patches."""
    digest = hashlib.sha256()
    for patch in patches:
        for path in (patch.path, *patch.forms().values()):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
