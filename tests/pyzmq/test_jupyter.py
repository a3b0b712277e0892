"""A Jupyter kernel on zmqlite at both ends: started, asked, interrupted, restarted, shut down.

The client runs in a process of its own, in a virtual environment that was activated; the kernel is
its child and inherits that. Both look at what `zmq` is to them.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from pyzmq.environments import GUEST, Environment
from support import FACTOR

SESSION = """
import json, os, sys
import zmq
from jupyter_client.manager import start_new_kernel

limit = float(sys.argv[1])
told = {"client": zmq.__name__}
manager, client = start_new_kernel(startup_timeout=limit)
try:
    # code, and what it prints and returns
    seen = []
    reply = client.execute_interactive(
        "import zmq, os; print(zmq.__name__, os.getpid()); 6 * 7",
        output_hook=seen.append, timeout=limit,
    )
    told["status"] = reply["content"]["status"]
    text = "".join(m["content"]["text"] for m in seen if m["msg_type"] == "stream")
    told["kernel"], first = text.split()
    told["result"] = [
        m["content"]["data"]["text/plain"] for m in seen if m["msg_type"] == "execute_result"
    ]

    # large answers cross in one piece
    seen.clear()
    client.execute_interactive("print('x' * 3_000_000)", output_hook=seen.append, timeout=limit)
    told["large"] = sum(len(m["content"].get("text", "")) for m in seen)

    # an error, then input, then completion
    reply = client.execute_interactive("1 / 0", output_hook=lambda m: None, timeout=limit)
    told["error"] = reply["content"]["ename"]
    reply = client.execute_interactive(
        "name = input('who?')", stdin_hook=lambda m: client.input("zmqlite"),
        output_hook=lambda m: None, timeout=limit, allow_stdin=True,
    )
    reply = client.execute_interactive(
        "", user_expressions={"name": "name"}, output_hook=lambda m: None, timeout=limit
    )
    told["input"] = reply["content"]["user_expressions"]["name"]["data"]["text/plain"]
    client.complete("zmq.Conte", 9)
    told["completions"] = client.get_shell_msg(timeout=limit)["content"]["matches"]

    # interrupted while it works: it has said that it does before we strike
    client.execute("print('busy', flush=True)\\nwhile True: pass")
    while True:
        message = client.get_iopub_msg(timeout=limit)
        if message["msg_type"] == "stream" and "busy" in message["content"]["text"]:
            break
    manager.interrupt_kernel()
    told["interrupted"] = client.get_shell_msg(timeout=limit)["content"]["ename"]

    # restarted: another process, which has forgotten everything
    manager.restart_kernel(now=False)
    client.wait_for_ready(timeout=limit)
    seen.clear()
    client.execute_interactive(
        "import os; print(os.getpid(), 'name' in globals())",
        output_hook=seen.append, timeout=limit,
    )
    text = "".join(m["content"]["text"] for m in seen if m["msg_type"] == "stream")
    told["restarted"] = text.split()[0] != first
    told["forgotten"] = text.split()[1] == "False"
    told["heart"] = client.is_alive()
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=False)
told["alive"] = manager.is_alive()
print(json.dumps(told))
"""


NOTEBOOK = """
import nbformat, sys
from nbclient import NotebookClient
new = nbformat.v4
cells = ["import zmq", "zmq.__name__", "sum(range(10))"]
book = new.new_notebook(cells=[new.new_code_cell(text) for text in cells])
NotebookClient(book, timeout=float(sys.argv[1]), kernel_name="python3").execute()
print([c.outputs[0].data["text/plain"] for c in book.cells if c.outputs])
"""

PATIENCE = 60 * FACTOR
"""Seconds for each answer: starting a kernel imports a good part of the Python world."""


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An activated environment that sees what is installed where the tests run."""
    folder = tmp_path_factory.mktemp("jupyter")
    environment = Environment(folder / "env")
    found = importlib.util.find_spec("ipykernel")
    assert found is not None
    assert found.origin is not None
    (environment.site / "rest.pth").write_text(str(Path(found.origin).parents[1]))
    environment.tool("activate")
    home = folder / "home"
    home.mkdir()
    environment.variables |= {"HOME": str(home), "JUPYTER_PLATFORM_DIRS": "1"}
    return environment


def last_line(environment: Environment, program: str) -> str:
    """Run a program, which must succeed, and return the last line that it prints."""
    file = environment.folder / "program.py"
    file.write_text(program)
    done = environment.start(file, PATIENCE, timeout=5 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


# The sessions run in fixtures of the module: one takes longer than a test may.


@pytest.fixture(scope="module")
def told(jupyter: Environment) -> Any:
    """What the session with a kernel has seen."""
    return json.loads(last_line(jupyter, SESSION))


@pytest.fixture(scope="module")
def printed(jupyter: Environment) -> str:
    """What the notebook has printed."""
    return last_line(jupyter, NOTEBOOK)


def test_both_ends_are_zmqlite(told: Any) -> None:
    assert (told["client"], told["kernel"]) == (GUEST, GUEST)


def test_code_is_executed(told: Any) -> None:
    assert told["status"] == "ok"
    assert told["result"] == ["42"]
    assert told["error"] == "ZeroDivisionError"
    assert told["large"] == 3_000_001


def test_the_kernel_may_ask_back(told: Any) -> None:
    assert told["input"] == "'zmqlite'"


def test_completion(told: Any) -> None:
    assert any(match.endswith("Context") for match in told["completions"])


def test_interrupt(told: Any) -> None:
    assert told["interrupted"] == "KeyboardInterrupt"


def test_restart(told: Any) -> None:
    assert told["restarted"] is True
    assert told["forgotten"] is True
    assert told["heart"] is True


def test_shutdown(told: Any) -> None:
    assert told["alive"] is False


def test_a_notebook_runs(printed: str) -> None:
    assert printed == repr([repr(GUEST), "45"])
