"""What the build made: one module that shows nothing of libzmq, and complete packages.

`.ci/run` points ZMQLITE_WHEEL and ZMQLITE_SDIST at what it built; without them those tests skip.
"""

from __future__ import annotations

import email
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

import zmqlite as zmq
from zmqlite import _build
from zmqlite._native import core

PACKAGE = Path(zmq.__file__).parent
CHECKOUT = Path(__file__).resolve().parents[1]
CORE = Path(core.__file__)
LINUX = sys.platform == "linux"

PYTHONS = ("__init__", "__main__", "constants", "context", "enums", "error", "socket/__init__")
PYTHONS += ("options/__init__", "options/rows", "asyncio/__init__", "trio/__init__")
# What the manylinux rules allow every wheel to need.
SYSTEM = re.compile(
    r"(libstdc\+\+|libgcc_s|libc|libm|libpthread|librt|libdl|ld-linux[\w-]*|libc\.musl-\w+)\.so"
)


def needs_tool(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (LINUX and shutil.which(name)), reason=f"needs {name} on Linux")


def needs_module(name: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(name) is None
    return pytest.mark.skipif(missing, reason=f"{name} is not installed")


def artifact(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set")
    return Path(value)


def output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def python(code: str, cwd: Path, *options: str) -> str:
    """Run a program in a fresh interpreter that finds the same zmqlite."""
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True, text=True, check=False, env=env, cwd=cwd,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the module ------------------------------------------------------------------------------


@needs_tool("nm")
def test_only_the_init_function_is_exported() -> None:
    names = output("nm", "-D", "--defined-only", str(CORE)).split()[2::3]
    assert names == ["PyInit_core"]


@needs_tool("readelf")
def test_nothing_is_needed_but_the_system() -> None:
    if set(_build.FEATURES) & {"wss", "pgm", "norm", "gssapi"} or _build.SWITCHES:
        pytest.skip("a build with libraries of the distribution")
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", str(CORE)))
    assert [name for name in needed if not SYSTEM.match(name)] == []


@needs_tool("readelf")
def test_relocations_are_read_only_and_the_stack_is_not_executable() -> None:
    headers = output("readelf", "-lW", str(CORE))
    assert "GNU_RELRO" in headers
    stack = re.search(r"GNU_STACK.*\s([RWE]+)\s+0x", headers)
    assert stack
    assert "E" not in stack[1]
    assert "TEXTREL" not in output("readelf", "-d", str(CORE))


def test_no_path_of_the_build_machine_is_inside() -> None:
    if "debug" in _build.SWITCHES or any("sanitize" in s for s in _build.SWITCHES):
        pytest.skip("a debug build names its sources")
    image = CORE.read_bytes()
    for path in (CHECKOUT / "vendor", CHECKOUT / "build", Path.home() / ".cache"):
        assert str(path).encode() not in image


def test_the_core_is_the_only_compiled_module() -> None:
    found = {p.name.split(".")[0] for e in ("so", "pyd", "dylib") for p in PACKAGE.rglob(f"*.{e}")}
    assert found == {"core"}


def test_build_facts_are_true() -> None:
    assert zmq.zmq_version_info() == _build.LIBZMQ_VERSION
    assert zmq.DRAFT_API is _build.DRAFTS
    for name in ("curve", "ipc", "pgm", "norm", "gssapi"):
        assert zmq.has(name) is (name in _build.FEATURES), name
    assert re.fullmatch(r"[0-9a-f]{64}|", _build.LIBZMQ_SHA256)
    header = (PACKAGE / "include" / "zmq.h").read_text()
    version = tuple(
        int(found[1]) if (found := re.search(rf"ZMQ_VERSION_{p}\s+(\d+)", header)) else -1
        for p in ("MAJOR", "MINOR", "PATCH")
    )
    assert version == zmq.zmq_version_info()


def test_licences_of_what_is_inside_ship() -> None:
    if not _build.LIBSODIUM_VERSION:
        pytest.skip("linked to libraries that bring their own")
    texts = {p.name: p.read_text() for p in (PACKAGE / "licenses").iterdir()}
    libzmq = [text for name, text in texts.items() if name.startswith("libzmq")]

    # static linking is allowed by the exception of 4.3.4, and by the MPL since 4.3.5
    allowed = ("SPECIAL EXCEPTION", "Mozilla Public License")
    assert any(words in text for text in libzmq for words in allowed)
    assert any("ISC" in t or "Permission to use" in t for n, t in texts.items() if "sodium" in n)

    # whoever modifies libzmq says so, names the changes, and extends the exception to them
    notice = texts.get("libzmq-MODIFIED.txt", "")
    assert bool(notice) == bool(_build.LIBZMQ_PATCHES)
    assert [patch for patch in _build.LIBZMQ_PATCHES if patch not in notice] == []
    assert not notice or ("special exception" in notice and "vendor/libzmq/unpacked" in notice)


def test_headers_and_declarations_ship() -> None:
    folders = [Path(p) for p in zmq.get_includes()]
    names = {p.name for folder in folders for p in folder.iterdir()}
    assert {"zmq.h", "zmq_utils.h", "core.pxd", "libzmq.pxd", "compat.h"} <= names


# --- beside pyzmq ----------------------------------------------------------------------------

SIDE_BY_SIDE = """
import {first}, {second}
import zmq, zmqlite
assert zmq.zmq_version_info()[:3] and zmqlite.zmq_version_info()
for server_side, client_side in ((zmq, zmqlite), (zmqlite, zmq)):
    for address in ("tcp://127.0.0.1:*", "ipc://{folder}/{{}}".format(server_side.__name__)):
        with server_side.Context() as one, client_side.Context() as two:
            server = one.socket(server_side.REP)
            server.bind(address)
            endpoint = server.getsockopt(server_side.LAST_ENDPOINT).rstrip(b"\\0").decode()
            client = two.socket(client_side.REQ)
            client.connect(endpoint)
            for size in (0, 5, 300, 100_000):
                client.send(b"x" * size)
                assert server.recv() == b"x" * size
                server.send(b"back")
                assert client.recv() == b"back"
            client.close(0); server.close(0)
print("side by side")
"""


@needs_module("zmq")
@pytest.mark.parametrize("order", [("zmqlite", "zmq"), ("zmq", "zmqlite")], ids="-".join)
def test_lives_beside_pyzmq(order: tuple[str, str], tmp_path: Path) -> None:
    first, second = order
    code = SIDE_BY_SIDE.format(first=first, second=second, folder=tmp_path)
    assert python(code, tmp_path) == "side by side\n"


# --- for people who cimport ------------------------------------------------------------------

CIMPORT = """
# cython: language_level=3
# distutils: language = c++
from zmqlite._native.core cimport Context, Frame, Socket

def is_open(Socket socket):
    return socket.handle != NULL

def address(Context context):
    return <size_t> context.handle
"""
CIMPORT_SETUP = """
from setuptools import Extension, setup
from Cython.Build import cythonize
import zmqlite
setup(ext_modules=cythonize([Extension("guest", ["guest.pyx"], language="c++",
    include_dirs=zmqlite.get_includes(), extra_compile_args=["-O0", "-std=c++17"])]))
"""


@pytest.mark.slow
@pytest.mark.timeout(180)
@needs_module("Cython")
@needs_module("setuptools")
@needs_tool("g++")
def test_others_can_cimport(tmp_path: Path) -> None:
    (tmp_path / "guest.pyx").write_text(CIMPORT)
    (tmp_path / "setup.py").write_text(CIMPORT_SETUP)
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    words = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=env, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import guest, zmqlite\n"
        "with zmqlite.Context() as context, context.socket(zmqlite.PAIR) as socket:\n"
        "    assert guest.is_open(socket) and guest.address(context) == context.underlying\n"
        "assert not guest.is_open(socket)"
    )
    python(code, tmp_path)


GUEST = """
# cython: language_level=3, freethreading_compatible=True
from {tree} cimport Context, Frame, Socket, libzmq
from {tree}.backend.cython cimport libzmq as same

def through(bytes text):
    cdef Context context = Context()
    cdef Socket one = Socket(context, libzmq.ZMQ_PUSH)
    cdef Socket two = Socket(context, same.ZMQ_PULL)
    assert one.handle != NULL and context.handle != NULL
    one.bind("inproc://one")
    two.connect("inproc://one")
    one.send(Frame(text))
    cdef Frame frame = two.recv(copy=False)
    cdef libzmq.zmq_msg_t *message = &frame.zmq_msg
    assert message != NULL
    one.close()
    two.close()
    assert one.handle == NULL
    context.term()
    return frame.bytes
"""
GUEST_SETUP = """
{first}
from setuptools import Extension, setup
from Cython.Build import cythonize
import {tree} as zmq
setup(ext_modules=cythonize([Extension("guest", ["guest.pyx"], include_dirs=zmq.get_includes(),
    extra_compile_args=["-O0"])]))
"""


@pytest.mark.slow
@pytest.mark.timeout(180)
@needs_module("Cython")
@needs_module("setuptools")
@needs_tool("gcc")
@pytest.mark.parametrize("tree", ["zmq", "zmqlite.pyzmq"])
def test_code_for_pyzmq_can_cimport(tree: str, tmp_path: Path) -> None:
    """In plain C, with and without activation; and what was compiled needs none at run time."""
    first = "import zmqlite.pyzmq.auto" if tree == "zmq" else ""
    (tmp_path / "guest.pyx").write_text(GUEST.format(tree=tree))
    (tmp_path / "setup.py").write_text(GUEST_SETUP.format(tree=tree, first=first))
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    words = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=env, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "guest.cpp").exists()
    code = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
import guest
print(guest.through(b"text"))
"""
    assert python(code, tmp_path, "-W", "error") == "b'text'\n"


# --- packages --------------------------------------------------------------------------------


def check_metadata(fields: Any) -> None:
    assert fields["Name"] == "zmqlite"
    assert fields["Version"] == zmq.__version__
    assert fields["Requires-Python"] == ">=3.10"
    terms = fields["License-Expression"].split(" AND ")
    assert terms == ["MIT", "LGPL-3.0-or-later", "ISC", "BSD-3-Clause", "BSD-2-Clause"]
    runtime = [r for r in fields.get_all("Requires-Dist") or [] if "extra ==" not in r]
    assert runtime == []


def test_installed_metadata() -> None:
    try:
        fields: Any = importlib.metadata.metadata("zmqlite")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("zmqlite runs from its source tree")
    check_metadata(fields)


def setuptools_version() -> int:
    """Return 0 without one. To import it here may fail: a distutils may be there already."""
    try:
        return int(importlib.metadata.version("setuptools").partition(".")[0])
    except importlib.metadata.PackageNotFoundError:
        return 0


def metadata_of(tree: Path) -> Any:
    """Build the metadata of a copy of the project, as a wheel would have it."""
    code = "from setuptools import build_meta as b; print(b.prepare_metadata_for_build_wheel('.'))"
    name = python(code, tree).split()[-1]
    return email.message_from_bytes((tree / name / "METADATA").read_bytes())


def test_a_release_names_its_repository_and_nothing_else_does(tmp_path: Path) -> None:
    """Only the workflow knows where the repository is: its step is run here as it stands."""
    if setuptools_version() < 77:
        pytest.skip("needs setuptools 77")
    script, step = CHECKOUT / ".ci" / "at_home.py", "python .ci/at_home.py"
    if not script.is_file() or shutil.which("bash") is None:
        pytest.skip("this copy has no .ci, or there is no bash")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".ci/at_home.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / name, tmp_path / name)
    (tmp_path / "zmqlite" / "licenses").mkdir(parents=True)
    (tmp_path / "zmqlite" / "licenses" / "one.txt").write_text("a text")
    (tmp_path / "zmqlite" / "__init__.py").touch()
    shutil.copy(PACKAGE / "_version.py", tmp_path / "zmqlite")

    fields = metadata_of(tmp_path)
    assert fields.get_all("Project-URL") is None
    assert "](docs/quickstart.md)" in fields.get_payload()

    workflow = (CHECKOUT / ".github" / "workflows" / "wheels.yml").read_text(encoding="utf-8")
    (command,) = (line.partition("run: ")[2] for line in workflow.splitlines() if step in line)
    known = {"GITHUB_SERVER_URL": "https://forge.example", "GITHUB_REPOSITORY": "some/one"}
    subprocess.run(
        ["bash", "-c", command.replace("python", f'"{sys.executable}"', 1)], check=True,
        cwd=tmp_path, env={**os.environ, **known, "GITHUB_REF_NAME": "v9"},
    )  # fmt: skip
    fields = metadata_of(tmp_path)
    home = "https://forge.example/some/one"
    urls = dict(url.split(", ") for url in fields.get_all("Project-URL"))
    assert urls["Homepage"] == urls["Source"] == home
    assert urls["Issues"] == f"{home}/issues"
    assert urls["Changelog"] == f"{home}/blob/v9/CHANGELOG.md"
    assert f"]({home}/blob/v9/docs/quickstart.md)" in fields.get_payload()
    assert re.findall(r"\]\((?!https://)[^)]*\)", fields.get_payload()) == []


def test_wheel_is_complete_and_carries_nothing_else() -> None:
    with zipfile.ZipFile(artifact("ZMQLITE_WHEEL")) as wheel:
        names = wheel.namelist()
        # (the guest room carries another one, for programs that ask for pyzmq's version)
        metadata = next(n for n in names if re.fullmatch(r"[^/]*\.dist-info/METADATA", n))
        check_metadata(email.message_from_bytes(wheel.read(metadata)))
    info = metadata.rpartition("/")[0]
    expected = [f"zmqlite/{name}.py" for name in PYTHONS]
    expected += [f"zmqlite/include/{name}" for name in ("zmq.h", "zmq_utils.h")]
    expected += [
        f"zmqlite/_native/{n}" for n in ("core.pyi", "core.pxd", "libzmq.pxd", "compat.h")
    ]
    expected += ["zmqlite/_native/base/guard.hpp", "zmqlite/_native/poll/hits.hpp"]  # for cimport
    expected += [f"zmqlite/{world}constants.pyi" for world in ("", "asyncio/", "green/", "trio/")]
    expected += [f"zmqlite/options/{name}.pyi" for name in ("_flat", "_typed")]
    expected += [f"zmqlite/{world}/_typed.pyi" for world in ("asyncio", "trio")]
    expected += ["zmqlite/py.typed", "zmqlite/_build.py", "zmqlite/cli/demo/worker.py"]
    expected += [f"zmqlite/pyzmq/{n}" for n in ("__init__.pxd", "backend/cython/_zmq.pxd")]
    expected += [f"zmqlite/pyzmq/_path/zmq/{n}" for n in ("__init__.py", "__init__.pxd")]
    expected += ["zmqlite/licenses/libzmq-COPYING.LESSER.txt"]
    expected += ["zmqlite/licenses/libsodium-LICENSE.txt", f"{info}/licenses/LICENSE"]
    texts = [n for n in names if n.startswith("zmqlite/licenses/")]
    expected += ["zmqlite/licenses/libzmq-MODIFIED.txt", *(f"{info}/licenses/{n}" for n in texts)]
    assert [name for name in expected if name not in names] == []
    assert any(re.fullmatch(r"zmqlite/pyzmq/_path/pyzmq-.*/METADATA", name) for name in names)
    assert {name.split("/")[0] for name in names} - {"zmqlite.libs"} == {"zmqlite", info}
    unwanted = (".pyx", ".pxi", ".c", ".cpp", ".o", ".a", ".pyc")
    assert [name for name in names if name.endswith(unwanted)] == []
    cores = [
        n for n in names if n.startswith("zmqlite/_native/core.") and n.endswith((".so", ".pyd"))
    ]
    assert len(cores) == 1


def test_wheel_is_small() -> None:
    assert artifact("ZMQLITE_WHEEL").stat().st_size < 3_000_000


def test_sdist_needs_no_network() -> None:
    """It carries both source trees with their stamps, everything setup.py reads, and the tests."""
    with tarfile.open(artifact("ZMQLITE_SDIST")) as sdist:
        names = ["/".join(name.split("/")[1:]) for name in sdist.getnames()]
    for pattern in (
        r"vendor/libzmq/unpacked/[^/]+/src/ctx\.cpp",
        r"vendor/libzmq/unpacked/[^/]+/include/zmq\.h",
        r"vendor/libzmq/unpacked/[^/]+/zmqlite-stamp\.json",
        r"vendor/libsodium/unpacked/[^/]+/src/libsodium/sodium/core\.c",
        r"vendor/libsodium/unpacked/[^/]+/zmqlite-stamp\.json",
        r"vendor/lib(zmq|sodium)/PIN",
        r"vendor/libzmq/patches/(faults|speed)/[\w-]+\.patch",
        r"vendor/fetch\.py",
        r"setup\.py",
        r"pyproject\.toml",
        r"zmqlite/_native/core\.pyx",
        r"zmqlite/_native/\w+/\w+\.pxi",
        r"tests/test_build\.py",
        r"README\.md",
        r"LICENSE",
    ):
        assert any(re.fullmatch(pattern, name) for name in names), pattern
    made = r"zmqlite/(_build\.py|include/|options/.*pyi|.*(constants|_typed)\.pyi)"
    unwanted = re.compile(made + r"|.*\.(so|pyd|pyc)$|build/")
    assert [name for name in names if unwanted.match(name)] == []
