"""Programs of jszmq's sockets in Node and in browsers, and what they need."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from interop.peers import HERE, node_modules
from support import FACTOR

import zmqlite as zmq

LIMIT = int(20_000 * FACTOR)
PROGRAM = HERE / "browser.js"
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
CHROMIUM += ["--no-first-run", "--disable-background-networking", "--enable-logging=stderr"]
# no page of its own at the start, and no talk with its makers
FIREFOX = """
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("app.update.disabledForTesting", true);
"""
NAMES = {"node": "Node", "chromium": "Chrome", "firefox": "Firefox"}


def need(found: object, what: str) -> None:
    """Skip the test where something is missing; fail if ZMQLITE_PEERS wants it."""
    if found:
        return
    if "browser" in os.environ.get("ZMQLITE_PEERS", "").split():
        pytest.fail(f"{what} is missing (see tests/interop/install-peers)")
    pytest.skip(f"{what} is missing (see tests/interop/install-peers)")


class Browser:
    """A program of jszmq sockets, each connected to one of ours, and the lines to command them."""

    def __init__(self, context: zmq.Context[Any]) -> None:
        self._context = context
        self.orders, self.reports = self.bind(zmq.PUSH), self.bind(zmq.PULL)
        self.settings: dict[str, Any] = {
            "orders": self.orders.last_endpoint.decode(),
            "reports": self.reports.last_endpoint.decode(),
            "sockets": {},
        }

    def bind(self, kind: int, **options: Any) -> Any:
        limits = {"rcvtimeo": LIMIT, "sndtimeo": LIMIT, "linger": 0}
        return self._context.socket(kind, bind="ws://127.0.0.1:*", **limits, **options)

    def add(self, name: str, ours: int, options: Any = (), **settings: Any) -> Any:
        """Return a socket of ours that one of jszmq's will connect to; before the start."""
        socket = self.bind(ours, **dict(options))
        place = {"type": name, "endpoint": socket.last_endpoint.decode()}
        self.settings["sockets"][name] = {**place, **settings}
        return socket

    def order(self, name: str, *parts: bytes) -> None:
        """Have that socket send a message."""
        self.orders.send_multipart([name.encode(), *parts])

    def report(self, name: str) -> list[bytes]:
        """Return the next message that that socket has received; no other may be there first."""
        who, *parts = self.reports.recv_multipart()
        assert who.decode() == name, parts
        return parts


def make_page(folder: Path) -> None:
    """Put a page that runs browser.js into a folder."""
    esbuild = node_modules() / ".bin" / "esbuild"
    need(esbuild.exists() and (node_modules() / "jszmq").is_dir(), "jszmq and esbuild of npm")
    words = ["--bundle", "--define:global=window", "--define:process.env.NODE_DEBUG=undefined"]
    subprocess.run(
        [esbuild, PROGRAM, *words, "--log-level=error", f"--outfile={folder / 'page.js'}"],
        check=True, env={**os.environ, "NODE_PATH": str(node_modules())}, timeout=60 * FACTOR,
    )  # fmt: skip
    page = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">'
    (folder / "page.html").write_text(f'{page}<script src="page.js"></script>')


def firefox() -> str:
    """Return where it is, or nothing."""
    return shutil.which("firefox-esr") or shutil.which("firefox") or ""


def command(name: str, address: str, settings: str, folder: Path) -> list[str]:
    """Return what starts the program: in Node, or as the page in a browser of that name."""
    if name == "node":
        return ["node", str(PROGRAM), settings]
    profile = folder / "profile"
    place = f"{address}#{urllib.parse.quote(settings)}"
    if name == "chromium":
        return ["chromium", *CHROMIUM, f"--user-data-dir={profile}", place]
    profile.mkdir()
    (profile / "user.js").write_text(FIREFOX)
    return [firefox(), "--headless", "--no-remote", "--profile", str(profile), place]


def end(process: subprocess.Popen[bytes]) -> None:
    if os.name == "nt":
        process.kill()
    else:  # a browser is a family of processes
        os.killpg(process.pid, 9)
    process.wait()
