"""How sources are found, verified, patched and cached; nothing here touches the network."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

VENDOR = Path(__file__).resolve().parents[1] / "vendor"
if not (VENDOR / "fetch.py").is_file():
    pytest.skip("needs a checkout", allow_module_level=True)
sys.path.insert(0, str(VENDOR))

import archive  # noqa: E402
import debian  # noqa: E402
import features  # noqa: E402
import fetch  # noqa: E402
import forms  # noqa: E402
import index  # noqa: E402
import pins  # noqa: E402
import trees  # noqa: E402
import unidiff  # noqa: E402

HEADER = """#define ZMQ_VERSION_MAJOR 4
#define ZMQ_VERSION_MINOR 9
#define ZMQ_VERSION_PATCH 9
"""
DIFF = """a reason
--- a/file.c
+++ b/file.c
@@ -1,3 +1,3 @@
 one
-two
+TWO
 three
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "upstream"
    (root / "src").mkdir(parents=True)
    (root / "include").mkdir()
    (root / "src" / "zmq.cpp").write_text("int main;\n")
    (root / "include" / "zmq.h").write_text(HEADER)
    (root / "tests").mkdir()
    return root


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Unpack below tmp_path instead of in the checkout."""
    folder = tmp_path / "unpacked"
    monkeypatch.setattr(fetch, "_roots", lambda pin: [folder])
    return folder


# --- patches ---------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["", "zero\nzero\n"])
def test_a_patch_is_found_where_other_patches_moved_it(tmp_path: Path, before: str) -> None:
    (tmp_path / "file.c").write_text(before + "one\ntwo\nthree\n")
    assert unidiff.apply(DIFF, tmp_path, "label") == ["file.c"]
    assert (tmp_path / "file.c").read_text() == before + "one\nTWO\nthree\n"


def test_a_patch_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file.c").write_text("one\n2\nthree\n")
    with pytest.raises(unidiff.PatchError, match=r"label: hunk 1 does not fit file\.c"):
        unidiff.apply(DIFF, tmp_path, "label")
    assert (tmp_path / "file.c").read_text() == "one\n2\nthree\n"


def test_a_patch_stays_inside_the_tree(tmp_path: Path) -> None:
    with pytest.raises(unidiff.PatchError, match="refuses"):
        unidiff.apply(DIFF.replace("file.c", "../../file.c"), tmp_path, "label")


@pytest.mark.parametrize("name", ["libzmq", "libsodium"])
def test_every_patch_is_listed_and_says_why(name: str) -> None:
    pin = pins.read_pin(name)
    known = {p.path for p in pin.patches}
    every_form = {form for p in pin.patches for form in p.forms().values()}
    assert known | every_form == set((VENDOR / name / "patches").rglob("*.patch"))
    for patch in pin.patches:
        assert not patch.path.read_text().startswith(("---", "diff"))
        assert unidiff.parse(patch.path.read_text())


def test_patches_that_only_bring_speed_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pin = pins.read_pin("libzmq")
    monkeypatch.delenv("ZMQLITE_PATCHES", raising=False)
    everything = pin.patches_for("4.3.4", ())
    monkeypatch.setenv("ZMQLITE_PATCHES", "faults")
    faults = pin.patches_for("4.3.4", ())
    assert [p for p in everything if not p.only_speed] == faults
    assert {p.path.parent.name for p in faults} == {"faults"}
    assert {p.path.parent.name for p in everything} == {"faults", "speed"}
    monkeypatch.setenv("ZMQLITE_PATCHES", "speed")
    with pytest.raises(pins.FetchError, match="say `all` or `faults`"):
        pin.patches_for("4.3.4", ())


def test_patches_for_faults_come_first() -> None:
    """So they fit whatever becomes of the others."""
    speed = [p.only_speed for p in pins.read_pin("libzmq").patches]
    assert speed == sorted(speed)


def test_a_question_mark_makes_a_patch_optional() -> None:
    patch = pins.Patch(Path("x"), ("4.3.4", "*?"), "theirs.patch")
    assert patch.must_fit("4.3.4")
    assert not patch.must_fit("4.3.9")
    assert patch.wanted("4.3.9", ())
    assert not patch.wanted("4.3.4", ("theirs.patch",))


ROOT = VENDOR.parent
FAULTS = [p for p in pins.read_pin("libzmq").patches if not p.only_speed]


@pytest.mark.parametrize("patch", FAULTS, ids=lambda patch: patch.path.stem)
def test_the_head_of_a_fault_names_versions_upstream_and_a_test(patch: pins.Patch) -> None:
    head = forms.split_diffs(patch.path.read_text(encoding="utf-8"))[0]
    said = dict(re.findall(r"^(Versions|Upstream|Test): (.+)$", head, re.MULTILINE))
    assert set(said) == {"Versions", "Upstream", "Test"}
    # what the PIN says of versions, and what the head says
    assert ("4.3.5" in said["Versions"]) == ("4.3.5" in patch.versions)
    assert ("master" in said["Versions"]) == ("*?" in patch.versions)
    places = re.findall(r"(?:tests|\.ci)/[\w/]+(?:\.py)?(?:::\w+)?", said["Test"])
    assert places or said["Test"].startswith("none: ")
    for place in places:
        file, _, test = place.partition("::")
        assert (ROOT / file).exists(), place
        assert not test or f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), place


@pytest.mark.parametrize("patch", pins.read_pin("libzmq").patches, ids=lambda p: p.path.stem)
def test_a_file_that_a_patch_makes_says_under_which_licence_it_stands(patch: pins.Patch) -> None:
    """libzmq's own, which is not the same in all versions."""
    for text in (patch.path, *forms.find_forms(patch.path).values()):
        for made in text.read_text("utf-8").split("--- /dev/null\n")[1:]:
            words = {word for line in made.splitlines()[2:4] for word in line.split()}
            assert {"LGPL-3.0-or-later", "MPL-2.0"} <= words, made[:40]


def test_the_readme_has_the_index_of_today() -> None:
    """If not: python vendor/index.py."""
    pin = pins.read_pin("libzmq")
    text = (pin.folder / "README.md").read_text(encoding="utf-8")
    assert text == index.renewed(text, pin)
    assert all(f"| `{patch.name}` | {patch.sentence} |" in text for patch in pin.patches)


def test_what_is_missing_is_told_with_what_it_would_do() -> None:
    pin = pins.read_pin("libzmq")
    known = [patch.path.name for patch in pin.patches]
    assert index.lacking(pin, pin.version, known) == []
    name, sentence = index.lacking(pin, pin.version, known[1:])[0]
    assert (name, sentence) == (pin.patches[0].name, pin.patches[0].sentence)
    later = [name.partition("/")[2] for name, _ in index.lacking(pin, "4.3.9", ())]
    mended = index.needless(pin, "4.3.9")
    assert mended
    assert sorted(later + mended) == sorted(known)
    assert index.needless(pin, pin.version) == []


# --- forms of a patch for other versions -----------------------------------------------------

TWO = DIFF + DIFF.split("\n", 1)[1].replace("file.c", "other.c")
FORM = """for 9.9
Not: other.c
From: 0
--- a/file.c
+++ b/file.c
@@ -1,3 +1,3 @@
 ONE
-two
+TWO
 three
"""


def test_a_form_takes_the_place_of_the_diffs_of_the_same_files() -> None:
    whole = forms.lay_over(TWO, FORM)
    assert whole.startswith("a reason\n")
    assert [diff.new for diff in unidiff.parse(whole)] == ["b/file.c"]
    assert unidiff.parse(whole)[0].hunks[0].before == ["ONE\n", "two\n", "three\n"]
    kept = forms.lay_over(TWO, FORM.replace("Not: other.c\n", ""))
    assert [diff.new for diff in unidiff.parse(kept)] == ["b/file.c", "b/other.c"]


def test_a_version_takes_its_own_form_and_others_try_the_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "faults" / "x.patch"
    for version in ("9.9.0", "9.10.0"):
        form = path.parent / version / "x.patch"
        form.parent.mkdir(parents=True)
        form.write_text(FORM.replace("ONE", version).replace("Not: other.c\n", ""))
    path.write_text(DIFF)
    patch = pins.Patch(path, ("4.3.4", "9.9.0", "*?"), None)

    def first_lines(version: str) -> list[str]:
        return [unidiff.parse(t)[0].hunks[0].before[0].strip() for t in patch.texts(version)]

    assert first_lines("4.3.4") == ["one"]
    assert first_lines("9.9.0") == ["9.9.0"]
    assert first_lines("9.11.0") == ["9.10.0", "9.9.0", "one"]


FORMS = [(p, form) for p in pins.read_pin("libzmq").patches for form in p.forms().values()]


@pytest.mark.parametrize(
    ("patch", "form"), FORMS, ids=[f"{form.parent.name}-{form.stem}" for _, form in FORMS]
)
def test_a_form_was_looked_at_since_its_patch_changed(patch: pins.Patch, form: Path) -> None:
    """If not: look whether the form needs the change, too, then write the new hash into it."""
    text, own = (path.read_text(encoding="utf-8") for path in (patch.path, form))
    assert forms.made_from(own) == forms.essence(text, own)
    assert unidiff.parse(forms.lay_over(text, own))
    assert patch.wanted(form.parent.name, ())


def test_the_first_form_that_fits_is_applied(
    tmp_path: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch, tree: Path
) -> None:
    """And where none does, the build goes on with a warning, as nobody promised it would fit."""
    folder = tmp_path / "faults"
    folder.mkdir()
    (folder / "fits.patch").write_text(DIFF.replace("file.c", "src/zmq.cpp"))
    (folder / "never.patch").write_text(DIFF.replace("file.c", "src/zmq.cpp"))
    (folder / "9.9.0").mkdir()
    own = DIFF.replace("file.c", "src/zmq.cpp").replace(" one\n-two", " 1\n-two")
    (folder / "9.9.0" / "fits.patch").write_text(own)
    (tree / "src" / "zmq.cpp").write_text("1\ntwo\nthree\n")
    pin = replace(
        pins.read_pin("libzmq"),
        patches=tuple(
            pins.Patch(folder / name, ("4.3.4", "*?"), None)
            for name in ("fits.patch", "never.patch")
        ),
    )
    work = tmp_path / "work"
    work.mkdir()
    assert trees.patch_tree(pin, tree, "4.9.9", None, work) == ([], ["fits.patch"])
    assert (tree / "src" / "zmq.cpp").read_text() == "1\nTWO\nthree\n"
    with pytest.raises(pins.FetchError, match=r"hunk 1 does not fit src/zmq\.cpp"):
        trees.patch_tree(pin, tree, "4.3.4", None, work)


# --- the order of sources --------------------------------------------------------------------


def test_an_explicit_tree_is_copied_and_stamped(
    tree: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZMQLITE_LIBZMQ", str(tree))
    source = fetch.obtain("libzmq")
    assert (source.kind, source.version) == ("tree", "4.9.9")
    copy = Path(source.path)
    assert copy.parent == nowhere
    assert not (copy / "tests").exists()
    assert json.loads((copy / fetch.STAMP).read_text())["origin"] == "tree upstream"
    assert fetch.obtain("libzmq").path == source.path  # the same content, the same place
    assert [p.name for p in nowhere.iterdir()] == [copy.name]


def test_an_explicit_tarball_cannot_leave_its_folder(
    tree: Path, nowhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tarball = tmp_path / "zeromq.tar.gz"
    with tarfile.open(tarball, "w:gz") as out:
        out.add(tree, "zeromq-4.9.9")
        evil = tarfile.TarInfo("../evil")
        evil.size = 1
        out.addfile(evil, io.BytesIO(b"x"))
    monkeypatch.setenv("ZMQLITE_LIBZMQ", str(tarball))
    assert fetch.obtain("libzmq").version == "4.9.9"
    assert not list(tmp_path.rglob("evil"))


def test_a_prefix_is_linked_as_it_is(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "src" / "zmq.cpp").unlink()
    (tree / "src").rmdir()
    monkeypatch.setenv("ZMQLITE_LIBZMQ", str(tree))
    assert fetch.obtain("libzmq").kind == "prefix"


def test_a_wrong_path_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZMQLITE_LIBZMQ", str(tmp_path / "nothing"))
    with pytest.raises(pins.FetchError, match=r"ZMQLITE_LIBZMQ=.*nothing is neither"):
        fetch.obtain("libzmq")


def test_one_sentence_says_what_was_tried(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route")

    monkeypatch.delenv("ZMQLITE_LIBZMQ", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(fetch.urllib.request, "urlopen", refuse)
    with pytest.raises(pins.FetchError) as caught:
        fetch.obtain("libzmq", lambda _: None)
    for part in ("unpacked tree", "no apt", "zeromq-4.3.4.tar.gz", "pkg-config", "ZMQLITE_LIBZMQ"):
        assert part in str(caught.value)


def test_a_download_with_a_wrong_hash_is_thrown_away(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch.urllib.request, "urlopen", lambda *_, **__: io.BytesIO(b"evil"))
    with pytest.raises(pins.FetchError, match="wrong hash"):
        fetch._from_upstream(pins.read_pin("libzmq"), lambda _: None)
    assert not nowhere.exists() or not list(nowhere.iterdir())


def test_only_real_apt_sources_are_borrowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, parts = tmp_path / "own", tmp_path / "parts"
    own.mkdir()
    parts.mkdir()
    (own / "a.list").write_text("deb [arch=amd64] http://one/ x main\n# deb http://no/ x main\n")
    (own / "b.sources").write_text("Types: deb deb-src\nURIs: http://two/\n")
    (own / "c.list.disabled").write_text("deb http://three/ x main\n")
    config = {"MAIN": str(tmp_path / "none"), "PARTS": str(own)}
    monkeypatch.setattr(debian, "_apt_config", lambda: config)
    assert debian._copy_sources(parts) == 2
    texts = "".join(p.read_text() for p in sorted(parts.iterdir()))
    assert "deb-src [arch=amd64] http://one/" in texts
    assert "Types: deb-src\n" in texts
    assert "three" not in texts


def test_the_first_complaint_of_apt_names_the_file() -> None:
    said = "W: old lists\nE: Failed to fetch x.dsc  404\nE: Failed to fetch some archives.\n"
    assert debian._complaint(said) == "E: Failed to fetch x.dsc  404"
    assert debian._complaint("only words\n") == "only words"
    assert debian._complaint("") == "no message"


# --- the cache -------------------------------------------------------------------------------


class Toolchain:
    identity, suffix = "pretended", ".a"

    def __init__(self) -> None:
        self.compiled: list[str] = []

    def compile(self, source: Path, target: Path, *_: object) -> None:
        self.compiled.append(source.name)
        target.write_bytes(source.read_bytes())

    def archive(self, objects: list[Path], target: Path) -> None:
        target.write_bytes(b"".join(o.read_bytes() for o in objects))


def test_an_archive_is_compiled_once_a_machine(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZMQLITE_CACHE", str(tmp_path / "cache"))
    tool = Toolchain()

    def build(folder: str, flag: str) -> Path:
        sources = (tree / "src" / "zmq.cpp",)
        recipe = archive.Recipe("libx", tree, "print", sources, (), (), (), (flag,))
        return archive.build(recipe, tool, tmp_path / folder, lambda _: None)

    first, second = build("one", "-O3"), build("two", "-O3")
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes() == b"int main;\n"
    assert tool.compiled == ["zmq.cpp"]
    assert build("one", "-O0").name != first.name
    assert len(tool.compiled) == 2


def test_generated_sources_are_compiled_with_the_others(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZMQLITE_CACHE", str(tmp_path / "cache"))
    tool = Toolchain()
    recipe = archive.Recipe(
        "libx", tree, "print", (tree / "src" / "zmq.cpp",), (), (), (), (),
        generated={"joined.cpp": '#include "pipe.cpp"\n', "platform.hpp": ""},
    )  # fmt: skip
    made = archive.build(recipe, tool, tmp_path / "one", lambda _: None)
    assert sorted(tool.compiled) == ["joined.cpp", "zmq.cpp"]
    assert b'#include "pipe.cpp"' in made.read_bytes()


def test_joined_sources_are_each_in_one_place() -> None:
    texts = features.libzmq_joint_sources(features.JOINED)
    assert set(texts) == {"joined_data.cpp", "joined_io.cpp"}
    included = [line for text in texts.values() for line in text.splitlines()]
    assert sorted(included) == sorted(f'#include "{name}"' for name in features.JOINED)
    trees = list((VENDOR / "libzmq" / "unpacked").glob("4.3.4-*/src"))
    assert [n for n in features.JOINED for t in trees if not (t / n).is_file()] == []


def test_fetch_runs_by_itself() -> None:
    words = [sys.executable, "-m", "py_compile", *map(str, VENDOR.glob("*.py"))]
    subprocess.run(words, check=True)
