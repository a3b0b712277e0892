"""`import zmq` means zmqlite where, and only where, someone asked for it.

In real virtual environments, with and without pyzmq in them.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pyzmq.environments import GUEST, METADATA, PACKAGE, SAME, VERSION, WHO, Environment, fails
from support import needs_curve

import zmqlite
import zmqlite.pyzmq
from zmqlite.pyzmq._environment import FILE
from zmqlite.pyzmq._path import FOLDER

# --- the environment -------------------------------------------------------------------------


def test_installing_zmqlite_switches_nothing(bare: Environment, both: Environment) -> None:
    assert fails(bare, WHO) == "ModuleNotFoundError: No module named 'zmq'"
    assert both(WHO) == "zmq"
    for environment in (bare, both):
        assert "zmqlite" not in environment.tool("status", code=1)
        # using the guest room by its own name switches nothing either
        assert environment("import sys, zmqlite.pyzmq; print('zmq' in sys.modules)") == "False"


def test_activate_and_deactivate(any_environment: Environment) -> None:
    before = sorted(path.name for path in any_environment.site.iterdir())
    file = str(any_environment.site / FILE)

    assert file in any_environment.tool("activate")
    assert any_environment(WHO) == GUEST
    status = any_environment.tool("status")
    assert "zmqlite" in status
    assert file in status
    assert file in any_environment.tool("activate")  # again: no harm

    assert file in any_environment.tool("deactivate")
    assert "nothing to undo" in any_environment.tool("deactivate")
    any_environment.tool("status", code=1)
    after = sorted(path.name for path in any_environment.site.iterdir())
    assert after == before


def test_status_tells_of_a_pyzmq_that_is_not_used(both: Environment, bare: Environment) -> None:
    from importlib.metadata import version

    for environment, words in ((both, f"installed: {version('pyzmq')}"), (bare, "not installed")):
        environment.tool("activate")
        assert words in environment.tool("status")
        environment.tool("deactivate")
        assert words in environment.tool("status", code=1)


@pytest.mark.parametrize("flag", ["-I", "-E", "-s", "-O", "-B", "-X utf8"])
def test_activation_holds_under_flags(activated: Environment, flag: str) -> None:
    assert activated(WHO, *flag.split()) == GUEST


def test_without_site_there_is_no_activation(activated: Environment) -> None:
    """Python -S looks at no environment: neither at zmqlite nor at what switches."""
    assert fails(activated, WHO, "-S").startswith("ModuleNotFoundError")


def test_no_python_start_pays_for_it(any_environment: Environment) -> None:
    """Until someone imports zmq, an activated Python has loaded nothing more than others."""
    # (the codec is loaded by Python 3.13 and later for the sake of any .pth file)
    code = "import sys; print(sorted({*sys.modules} - {'encodings.utf_8_sig'}))"
    before = any_environment(code)
    any_environment.tool("activate")
    assert any_environment(code) == before
    path = any_environment("import sys; print(sys.path)")
    any_environment.tool("deactivate")
    assert any_environment("import sys; print(sys.path)") == path


@pytest.mark.parametrize("flags", [(), ("-I",), ("-E",), ("-S",), ("-v",)], ids=str)
def test_removing_zmqlite_breaks_no_python(tmp_path: Path, flags: tuple[str, ...]) -> None:
    environment = Environment(tmp_path / "env")
    environment.tool("activate")
    environment.remove_zmqlite()
    done = environment.start(*flags, "-W", "error", "-c", "import json; print('alive')")
    assert (done.returncode, done.stdout) == (0, "alive\n")
    assert flags == ("-v",) or done.stderr == ""


def test_removing_zmqlite_gives_pyzmq_back(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "env")
    environment.tool("activate")
    environment.remove_zmqlite()
    assert fails(environment, WHO) == "ModuleNotFoundError: No module named 'zmq'"
    assert "PackageNotFoundError" in fails(environment, METADATA)
    environment.add_pyzmq()
    assert environment(WHO) == "zmq"
    assert environment(METADATA).split()[0]


def test_a_broken_zmqlite_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "env", pyzmq=True)
    environment.tool("activate")
    environment.remove_zmqlite()
    broken = environment.site / "zmqlite"
    broken.mkdir()
    for name in ("__init__.py", "enums.py", "error.py", "constants.py", "_version.py"):
        (broken / name).write_bytes((PACKAGE / name).read_bytes())
    assert "is not built for this Python" in fails(environment, WHO)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "env")
    (environment.site / FILE).mkdir()  # root may write everywhere, but not over a folder
    said = environment.tool("activate", code=1)
    assert "cannot be written" in said
    assert "--user" in said
    assert [p.name for p in environment.site.iterdir() if p.name.startswith("zmqlite_as")] == [
        FILE
    ]


def test_for_one_user(tmp_path: Path) -> None:
    """A venv that sees the system's packages sees the user's own, too; others do not."""
    private = Environment(tmp_path / "private")
    assert "user's own" in private.tool("activate", "--user", code=1)

    shared = Environment(tmp_path / "shared", system=True)
    shared.variables["PYTHONUSERBASE"] = str(tmp_path / "home")
    said = shared.tool("activate", "--user")
    assert str(tmp_path / "home") in said
    assert shared(WHO) == GUEST
    assert shared.start("-s", "-c", WHO).stdout != f"{GUEST}\n"
    assert str(tmp_path / "home") in shared.tool("deactivate")
    assert shared.start("-c", WHO).stdout != f"{GUEST}\n"


def test_another_zmq_that_comes_first_is_reported(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "env")
    # what an editable install of pyzmq does: a finder of its own, in front
    (environment.site / "zzz.pth").write_text(
        "import sys, zzz_finder; sys.meta_path.insert(0, zzz_finder)\n"
    )
    (environment.site / "zzz_finder.py").write_text(
        "import importlib.machinery as m\n"
        "def find_spec(name, path=None, target=None):\n"
        "    if name == 'zmq':\n"
        "        return m.PathFinder.find_spec('zzz_finder')\n"
    )
    assert "still gives" in environment.tool("activate", code=1)
    assert not (environment.site / FILE).exists()


# --- one module, two names -------------------------------------------------------------------


def test_every_module_is_the_same_under_both_names(activated: Environment) -> None:
    assert activated(SAME) == "True"


def test_instances_know_their_classes(activated: Environment) -> None:
    assert activated("""
import zmq, zmqlite, zmqlite.pyzmq, zmq.sugar.socket, zmq.error
from zmq import Context, ZMQError
assert zmq is zmqlite.pyzmq
with Context() as context, context.socket(zmq.PAIR) as socket:
    assert isinstance(socket, zmq.Socket) and isinstance(socket, zmqlite.Socket)
    assert type(socket) is zmqlite.pyzmq.sugar.socket.Socket
try:
    zmq.Context.instance().socket(-1)
except zmqlite.ZMQError as error:
    assert isinstance(error, zmq.ZMQError) and ZMQError is zmq.error.ZMQError
    print("caught")
zmq.Context.instance().term()
""").endswith("caught")


def test_names_reached_by_from_import(activated: Environment) -> None:
    assert (
        activated("""
from zmq import utils, error
from zmq.utils import z85
import zmq.utils.jsonapi as jsonapi, zmq.utils.z85, zmq
import zmqlite.pyzmq.utils.z85 as other
print(z85 is other is zmq.utils.z85, jsonapi is zmq.utils.jsonapi, error is zmq.error)
""")
        == "True True True"
    )


def test_a_module_that_does_not_exist(activated: Environment) -> None:
    said = fails(activated, "import zmq.nothing")
    assert said == "ModuleNotFoundError: No module named 'zmq.nothing'"
    said = fails(activated, "import zmq.error.nothing")
    assert said.startswith("ModuleNotFoundError: No module named 'zmq.error.nothing'")


def test_tools_that_look_at_modules(activated: Environment) -> None:
    assert (
        activated("""
import importlib, importlib.resources, importlib.util, inspect, pkgutil, pydoc, sys
assert importlib.util.find_spec("zmq").origin.endswith("__init__.py")
import zmq
assert "class Context" in inspect.getsource(zmq.sugar.context.Context)
assert inspect.getmodule(zmq.Context) is zmq.sugar.context
assert inspect.getmodule(zmq) is zmq
assert importlib.util.find_spec("zmq.decorators").origin.endswith("decorators.py")
assert importlib.resources.files("zmq").joinpath("decorators.py").is_file()
assert b"def " in pkgutil.get_data("zmq.utils", "z85.py")
assert pkgutil.resolve_name("zmq.utils.z85:encode") is sys.modules["zmq.utils.z85"].encode
assert importlib.reload(zmq) is zmq
assert "Context" in pydoc.render_doc(zmq)
from unittest import mock
with mock.patch("zmq.utils.z85.encode", lambda data: b"patched"):
    from zmqlite.pyzmq.utils import z85
    assert z85.encode(b"") == b"patched"
print(zmq.__version__, zmq.pyzmq_version(), ".".join(map(str, zmq.pyzmq_version_info())))
""")
        == f"{VERSION} {VERSION} {VERSION}"
    )


def test_what_is_loaded_shows_in_sys_modules(activated: Environment) -> None:
    assert (
        activated("import sys, zmq; print({'zmq.backend.cython', 'zmq.error'} <= {*sys.modules})")
        == "True"
    )


def test_pickles_travel_both_ways(activated: Environment) -> None:
    text = activated("import pickle, zmq; print(pickle.dumps(zmq.Again()).hex())")
    assert isinstance(pickle.loads(bytes.fromhex(text)), zmqlite.Again)
    here = pickle.dumps(zmqlite.ContextTerminated()).hex()
    assert (
        activated(
            "import pickle, zmq\n"
            f"print(type(pickle.loads(bytes.fromhex({here!r}))) is zmq.ContextTerminated)"
        )
        == "True"
    )
    # and what pyzmq has pickled
    theirs = b"czmq.error\nAgain\n."
    code = f"import pickle, zmq; print(pickle.loads({theirs!r}) is zmq.Again)"
    assert activated(code) == "True"


def test_the_metadata_of_pyzmq(activated: Environment) -> None:
    assert activated(METADATA) == f"{VERSION} {VERSION}"
    assert activated(f"import zmq\n{METADATA}") == f"{VERSION} {VERSION}"
    assert "PackageNotFoundError" in fails(
        activated, "import importlib.metadata as m; m.version('no-such-thing')"
    )


def test_metadata_are_those_of_the_surface() -> None:
    name = f"pyzmq-{VERSION}.dist-info"
    assert [p.name for p in Path(FOLDER).glob("*.dist-info")] == [name]
    assert f"\nVersion: {VERSION}\n" in Path(FOLDER, name, "METADATA").read_text()


@needs_curve  # one of them makes keys
def test_programs_of_the_tree_run_with_m(activated: Environment) -> None:
    for words in (("zmq.curve_keygen",), ("run", "zmq.curve_keygen")):
        words = ("-m", *words) if len(words) == 1 else ("-m", GUEST, "run", "-m", words[1])
        done = activated.start("-W", "error", *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout) > 80
    done = activated.start("-W", "error", "-m", "zmq.log", "--help")  # a package with a __main__
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage" in done.stdout
    done = activated.start("-m", "zmq.nothing")
    assert done.returncode == 1


IMPORTERS = """
import importlib, threading
def load_all(names):
    gate, found = threading.Barrier(len(names)), []
    def load(name):
        gate.wait()
        found.append(importlib.import_module(name))
    threads = [threading.Thread(target=load, args=(name,)) for name in names]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return len(found), len(set(map(id, found)))
# (a package and its submodules at once is what Python itself may answer with a DeadlockError)
print(load_all(["zmq", "zmqlite.pyzmq"] * 6))
print(load_all(["zmq.utils.z85", "zmqlite.pyzmq.utils.z85", "zmq.devices"] * 4))
"""


def test_threads_that_import_at_once(activated: Environment) -> None:
    for _ in range(5):
        assert activated(IMPORTERS) == "(12, 1)\n(12, 2)"


# --- inside a process ------------------------------------------------------------------------


def test_install(any_environment: Environment) -> None:
    assert (
        any_environment(f"""
import zmqlite.pyzmq, sys
zmqlite.pyzmq.install()
size = len(sys.meta_path), len(sys.path)
zmqlite.pyzmq.install()
import zmq, zmq.utils.z85
zmqlite.pyzmq.install()
assert size == (len(sys.meta_path), len(sys.path))
assert zmq.utils.z85 is zmqlite.pyzmq.utils.z85
print(zmq is zmqlite.pyzmq)
{METADATA}
""")
        == f"True\n{VERSION} {VERSION}"
    )


def test_auto(any_environment: Environment) -> None:
    assert any_environment(f"import zmqlite.pyzmq.auto\n{WHO}") == GUEST
    assert any_environment(f"from zmqlite.pyzmq import auto\n{WHO}") == GUEST


def test_install_comes_too_late(both: Environment) -> None:
    for call in ("zmqlite.pyzmq.install()", "import zmqlite.pyzmq.auto"):
        said = fails(both, f"import zmq, zmqlite.pyzmq; {call}")
        assert said.startswith("RuntimeError: another zmq ")
        assert str(both.site / "zmq") in said
        assert "run" in said


def test_install_after_an_import_that_failed(bare: Environment) -> None:
    assert (
        bare("""
import sys, types, zmqlite.pyzmq
sys.modules["zmq.error"] = types.ModuleType("zmq.error")  # left behind by a broken pyzmq
zmqlite.pyzmq.install()
import zmq.error
print(zmq.error is zmqlite.pyzmq.error)
""")
        == "True"
    )


SPAWN = """
import multiprocessing, sys
{first}
def who(*_):
    import zmq
    return zmq.__name__
if __name__ == "__main__":
    for method in multiprocessing.get_all_start_methods():
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(method, pool.apply(who))
"""


@pytest.mark.parametrize("how", ["install", "guarded install", "activate", "run"])
def test_processes_of_multiprocessing(both: Environment, how: str, tmp_path: Path) -> None:
    first = {
        "install": "import zmqlite.pyzmq; zmqlite.pyzmq.install()",
        "guarded install": "if __name__ == '__main__': import zmqlite.pyzmq.auto",
    }.get(how, "")
    program = tmp_path / "program.py"
    program.write_text(SPAWN.format(first=first))
    words: tuple[object, ...] = (program,)
    if how == "run":
        words = ("-m", GUEST, "run", program)
    if how == "activate":
        both.tool("activate")
    done = both.start("-W", "error", *words)
    if how == "activate":
        both.tool("deactivate")
    assert (done.returncode, done.stderr) == (0, "")
    import multiprocessing

    methods = multiprocessing.get_all_start_methods()
    assert done.stdout.splitlines() == [f"{method} {GUEST}" for method in methods]
