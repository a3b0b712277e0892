"""Browsers speak ZeroMQ over ws, with the npm package jszmq: in Node, Chromium and Firefox.

Nothing of npm is in the repository: `install-peers` fetches jszmq, and esbuild, which bundles it.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from interop.browsers import CHROMIUM, LIMIT, NAMES, Browser, command, end, firefox, need
from interop.peers import HERE, node_modules
from support import FACTOR, needs_patch, wait_until

import zmqlite as zmq

pytestmark = [
    pytest.mark.skipif(not zmq.has("ws"), reason="built without ws"),
    needs_patch("ws-headers", "ws-bare", "ws-fragments"),
]
EXAMPLE = HERE.parents[1] / "examples" / "browser"
BROWSERS = HERE.parents[1] / "docs" / "browser.md"

# what each end of a pair is called in jszmq, and what ours is
PAIRS = {
    "req": zmq.REP, "rep": zmq.REQ, "dealer": zmq.ROUTER, "router": zmq.DEALER,
    "push": zmq.PULL, "pull": zmq.PUSH, "pair": zmq.PAIR,
}  # fmt: skip
MESSAGES = [
    [b"one"],
    [b""],
    [b"", b"", b"\0"],
    [b"a", b"", bytes(range(256))],
    *([bytes(size)] for size in (124, 125, 126, 65534, 65535)),
    [b"long" * 25_000],  # from some 64 KiB on Chromium sends fragments
    [b"x" * 1_000_000, b"y", b"z" * 1_000_000],
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page(bundle: Path) -> Iterator[str]:
    """The address of that page."""
    handler = functools.partial(Quiet, directory=str(bundle))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/page.html"
        server.shutdown()
        thread.join()


@pytest.fixture(params=NAMES)
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Browser], str]]:
    """A starter of the program in Node or in a browser, which returns what it calls itself."""
    if request.param == "firefox" and not firefox():
        pytest.skip("no Firefox: apt install firefox-esr")
    need(request.param == "firefox" or shutil.which(request.param), request.param)
    need((node_modules() / "jszmq").is_dir(), f"jszmq of npm (in {node_modules()})")
    address = "" if request.param == "node" else request.getfixturevalue("page")
    errors = tmp_path / "stderr"
    processes: list[subprocess.Popen[bytes]] = []

    def begin(browser: Browser) -> str:
        words = command(request.param, address, json.dumps(browser.settings), tmp_path)
        env = {**os.environ, "NODE_PATH": str(node_modules())}
        with errors.open("wb") as stderr:
            processes.append(
                subprocess.Popen(
                    words,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=stderr,
                    stderr=stderr,
                    start_new_session=True,
                )
            )
        try:
            name = browser.report("ready")[0].decode()
        except zmq.Again:
            pytest.fail(f"no sign of life\n{errors.read_text(errors='replace')[-4000:]}")
        assert NAMES[request.param] in name
        return name

    failures = request.session.testsfailed
    yield begin
    for process in processes:
        end(process)
    if request.session.testsfailed > failures and errors.exists():
        print(errors.read_text(errors="replace")[-4000:])


@pytest.fixture
def browser(context: zmq.Context[Any]) -> Browser:
    return Browser(context)


def test_messages_go_both_ways(browser: Browser, start: Callable[[Browser], str]) -> None:
    ours = {name: browser.add(name, kind) for name, kind in PAIRS.items()}
    browser.settings["sockets"]["dealer"]["identity"] = "bröwser"
    assert start(browser)
    for parts in MESSAGES:
        for name in ("req", "dealer"):
            browser.order(name, *parts)
            asked = ours[name].recv_multipart()
            assert asked[name == "dealer" :] == parts
            ours[name].send_multipart(asked)
            assert browser.report(name) == parts
        assert asked[0] == "bröwser".encode()

        for name in ("rep", "router", "pair"):
            ours[name].send_multipart(parts)
            asked = browser.report(name)
            assert asked[name == "router" :] == parts
            browser.order(name, *asked)
            assert ours[name].recv_multipart() == parts

        browser.order("push", *parts)
        assert ours["push"].recv_multipart() == parts
        ours["pull"].send_multipart(parts)
        assert browser.report("pull") == parts


def test_subscriptions(browser: Browser, start: Callable[[Browser], str]) -> None:
    """Topics need not be text; a PUB, too, keeps what nobody wants to itself."""
    ours = browser.add("sub", zmq.XPUB, topics=[b"\xffa".hex(), b"b".hex()])
    start(browser)
    assert {ours.recv(), ours.recv()} == {b"\x01\xffa", b"\x01b"}
    for topic in (b"\xff", b"c", b"", b"\xffab"):
        ours.send_multipart([topic, b"text"])
    ours.send_multipart([b"b", b""])
    assert browser.report("sub") == [b"\xffab", b"text"]
    assert browser.report("sub") == [b"b", b""]


def test_what_a_page_publishes(browser: Browser, start: Callable[[Browser], str]) -> None:
    ours = browser.add("xpub", zmq.SUB)
    ours.subscribe(b"a")
    start(browser)
    with pytest.raises(zmq.Again):
        ours.recv(zmq.DONTWAIT)  # a bound socket meets its peers in its calls, and subscribes then
    while not ours.poll(50):
        # jszmq reports the subscription as an XPUB does
        if browser.reports.poll(0):
            assert browser.report("xpub") == [b"\x01a"]
            browser.order("xpub", b"b", b"unwanted")
            browser.order("xpub", b"a", b"wanted")
    assert ours.recv_multipart() == [b"a", b"wanted"]


def test_a_server_that_comes_back(browser: Browser, start: Callable[[Browser], str]) -> None:
    """A page connects again by itself, and subscribes again."""
    ours = browser.add("sub", zmq.XPUB, topics=[b"a".hex()])
    start(browser)
    assert ours.recv() == b"\x01a"
    place = ours.last_endpoint.decode()
    ours.close()
    with browser.bind(zmq.XPUB) as again:
        again.unbind(again.last_endpoint)

        def bound() -> bool:  # as soon as the old one has let go
            with contextlib.suppress(zmq.AddressInUse):
                again.bind(place)
                return True
            return False

        wait_until(bound)
        assert again.recv() == b"\x01a"
        again.send(b"a new one")
        assert browser.report("sub") == [b"a new one"]


def test_a_page_comes_to_no_server_with_keys(
    browser: Browser, start: Callable[[Browser], str]
) -> None:
    """jszmq has no CURVE and no PLAIN: such a server takes nothing from it."""
    if not zmq.has("curve"):
        pytest.skip("built without CURVE")
    _, secret = zmq.curve_keypair()
    safe = browser.add("push", zmq.PULL, {"curve_server": True, "curve_secretkey": secret})
    with safe.get_monitor_socket() as monitor:
        start(browser)
        browser.order("push", b"in the clear")
        assert monitor.poll(LIMIT)
    safe.rcvtimeo = 200
    with pytest.raises(zmq.Again):
        safe.recv()


@pytest.fixture
def example(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str], str]]:
    """A copy of the example that runs, and the address it names."""
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder)
    words = [sys.executable, "-W", "error", str(folder / "chart.py"), "127.0.0.1", "0"]
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env)
    try:
        assert process.stdout is not None
        yield folder, process, process.stdout.readline().removeprefix("open ").strip()
    finally:
        process.kill()
        process.communicate()


def test_the_page_of_the_example_draws_what_python_publishes(
    example: tuple[Path, subprocess.Popen[str], str], tmp_path: Path
) -> None:
    """With jszmq made as the page about browsers says."""
    need(shutil.which("chromium"), "chromium")
    need((node_modules() / ".bin" / "esbuild").exists(), "esbuild of npm")
    folder, _, address = example
    said = re.search(
        r"npx (esbuild --bundle.*?) node_modules/jszmq", BROWSERS.read_text(), re.DOTALL
    )
    assert said
    words = said[1].replace("\\\n", " ").split()[1:]
    subprocess.run(
        [node_modules() / ".bin" / "esbuild", *words, node_modules() / "jszmq"],
        cwd=folder, check=True, capture_output=True, timeout=60 * FACTOR,
        env={**os.environ, "NODE_PATH": str(node_modules())},
    )  # fmt: skip
    look = ["chromium", *CHROMIUM, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]

    def readings() -> bool:
        shown = subprocess.run(
            [*look, "--virtual-time-budget=60000", address],
            capture_output=True, text=True, check=False, timeout=60 * FACTOR,
        )  # fmt: skip
        return re.search(r"\b[1-9]\d* readings from ws://127", shown.stdout) is not None

    wait_until(readings, 60)


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for one process")
def test_the_example_serves_its_page_and_ends_on_ctrl_c(
    context: zmq.Context[Any], example: tuple[Path, subprocess.Popen[str], str]
) -> None:
    _, process, address = example
    page, _, place = address.partition("#")
    with urllib.request.urlopen(page, timeout=20 * FACTOR) as answer:
        text = answer.read().decode()
    for script in re.findall(r'src="(\w+\.js)"', text):
        assert script == "jszmq.js" or (EXAMPLE / script).is_file()
    with context.socket(zmq.SUB, linger=0, rcvtimeo=LIMIT, connect=place) as reader:
        reader.subscribe(b"lima")
        topic, body = reader.recv_multipart()
        assert topic == b"lima"
        assert re.fullmatch(rb"\d+\.\d{3} [\d.]+", body)
    process.send_signal(signal.SIGINT)
    assert process.wait(20 * FACTOR) == 0
