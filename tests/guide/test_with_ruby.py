"""The guide's programs beside Ruby processes: one side is ours, the other one is ffi-rzmq.

The Ruby side lies in the folder ruby. The matrix of all patterns and peers is tests/interop.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from guide_stage import Stage
from run_page import blocks

PAGE = Path(__file__).parents[2] / "docs" / "porting-from-ruby.md"


@cache
def _what_is_missing() -> str:
    if shutil.which("ruby") is None:
        return "the package ruby is not installed"
    trial = subprocess.run(["ruby", "-r", "ffi-rzmq", "-e", ""], capture_output=True, check=False)
    return "the package ruby-ffi-rzmq is not installed" if trial.returncode else ""


@pytest.fixture(autouse=True)
def need_ruby() -> None:
    if missing := _what_is_missing():
        needed = "ruby" in os.environ.get("ZMQLITE_PEERS", "").split()
        (pytest.fail if needed else pytest.skip)(missing)


def test_client_asks_ruby(stage: Stage) -> None:
    server = stage.ruby("hello_server")
    client = stage.start("hwclient")
    client.says(r"Received reply \d: \[world\]", times=10)
    client.ends()
    server.says("asked: Hello", times=10)


@pytest.mark.parametrize("name", ["hwserver", "mtserver"])
def test_ruby_asks_server(stage: Stage, name: str) -> None:
    server = stage.start(name, "0")
    assert stage.ruby("hello_client").ends() == 3 * "answer: world\n"
    server.interrupt()


@pytest.mark.parametrize("broker", ["rrbroker", "msgqueue"])
def test_ruby_on_both_sides_of_a_broker(stage: Stage, broker: str) -> None:
    middle = stage.start(broker)
    worker = stage.ruby("queue_worker")
    assert stage.ruby("queue_client").ends() == 3 * "answer: World\n"
    assert worker.says(r"asked: (.*)", times=3) == ["Ruby 0", "Ruby 1", "Ruby 2"]
    middle.interrupt()


def test_one_worker_is_ruby(stage: Stage) -> None:
    sink = stage.start("tasksink")
    ventilator = stage.start("taskvent")
    ventilator.says("Press enter")
    crew = [stage.start("taskwork"), stage.ruby("task_worker")]
    ventilator.has_peers(5557, len(crew))
    sink.has_peers(5558, len(crew))
    ventilator.enter()
    sink.says("Total elapsed time")
    sink.ends()
    ventilator.ends()
    assert sum(worker.said.count(".") for worker in crew) == 101


def test_one_subscriber_is_ruby(stage: Stage) -> None:
    publisher = stage.start("syncpub", "10000", "2")
    ours, theirs = stage.start("syncsub"), stage.ruby("sync_subscriber")
    assert ours.ends() == "Received 10000 updates\n"
    assert theirs.ends() == "counted 10000\n"
    publisher.ends()


def test_a_peer_is_ruby(stage: Stage) -> None:
    ours = stage.start("peering1", "PYTHON", "RUBY")
    theirs = stage.ruby("peer")
    theirs.says(r"PYTHON has \d")
    ours.says("RUBY - 7 workers free")
    ours.interrupt()


def test_majordomo_with_ruby(stage: Stage) -> None:
    broker = stage.start("mdbroker")
    theirs = stage.ruby("echo_worker")
    assert stage.ruby("echo_client").says("answer: (.*)") == [
        '["MDPC01", "echo", "HELLO", "FROM RUBY"]'
    ]
    client = stage.start("mdclient2", "100")
    assert client.ends() == "100 requests/replies processed\n"
    theirs.stop()
    broker.interrupt()


@pytest.mark.parametrize("server", ["server.rb", "server.py"])
@pytest.mark.parametrize("client", ["client.rb", "client.py"])
def test_programs_of_the_porting_page(stage: Stage, server: str, client: str) -> None:
    """Before and after the port they talk to each other."""
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        if block.name:
            (stage.folder / block.name).write_text(block.text, encoding="utf-8")
    interpreters = {".py": [sys.executable, "-W", "error"], ".rb": ["ruby"]}
    stage.run(*interpreters[server[-3:]], server)
    said = stage.run(*interpreters[client[-3:]], client)
    assert said.ends() == "Good day, Ada.\nGood day, Grace.\n"
