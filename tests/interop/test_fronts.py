"""What docs/browser.md puts in front of a socket is run as it stands there: TLS, login and Origin.

Only places and ports are others. A page in Chromium, loaded over https, reads from a PUB.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from interop.browsers import LIMIT, Browser, command, end, need
from support import FACTOR, needs_patch, wait_until

import zmqlite as zmq

PAGE = Path(__file__).resolve().parents[2] / "docs" / "browser.md"
pytestmark = [
    pytest.mark.skipif(not zmq.has("ws"), reason="built without ws"),
    pytest.mark.skipif(not PAGE.is_file(), reason="this copy has no docs"),
    needs_patch("ws-headers", "ws-bare", "ws-fragments"),
]
LOGIN = "reader:secret"

NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/html html; text/javascript js; }}
{server}
}}
"""
CADDY = """
{{
    admin off
    auto_https disable_redirects
    storage file_system {folder}/caddy
}}
{server}
"""


def documented(beginning: str) -> str:
    """Return the block of the page that begins so."""
    blocks = re.findall("^```text\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    found = [block for block in blocks if block.startswith(beginning)]
    assert len(found) == 1, beginning
    return str(found[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def copies(text: str, part: str, ports: dict[str, int]) -> str:
    """Repeat what stands for one socket for each of ours."""
    found = re.search(part, text, re.DOTALL | re.MULTILINE)
    assert found, part
    made = [
        found[0].replace("prices", name).replace("127.0.0.1:5556", f"127.0.0.1:{port}")
        for name, port in ports.items()
    ]
    return text.replace(found[0], "\n".join(made))


class Front:
    """A server in front, and how to ask it."""

    def __init__(self, port: int, asks_for_login: bool) -> None:
        self.port, self.asks_for_login = port, asks_for_login
        self.origin = f"https://localhost:{port}"

    def status(self, path: str, **headers: str) -> int:
        """Return what the server answers to a request, as a WebSocket's if it has an Origin."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        lines = [f"GET {path} HTTP/1.1", f"Host: localhost:{self.port}"]
        if "Origin" in headers:
            lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
            lines += [
                "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==",
                "Sec-WebSocket-Protocol: ZWS2.0",
            ]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        with (
            socket.create_connection(("127.0.0.1", self.port), LIMIT / 1000) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as line,
        ):
            line.sendall("\r\n".join([*lines, "", ""]).encode())
            return int(line.recv(4096).split()[1])

    def listens(self) -> bool:
        try:
            self.status("/page.html")
        except OSError:
            return False
        return True


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that nobody else has signed, and its key."""
    need(shutil.which("openssl"), "openssl")
    folder = tmp_path_factory.mktemp("tls")
    pem, key = folder / "pem", folder / "key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", pem],
        check=True, capture_output=True, timeout=60 * FACTOR,
    )  # fmt: skip
    return pem, key


@pytest.fixture
def browser(context: zmq.Context[Any]) -> Browser:
    return Browser(context)


@pytest.fixture
def prices(context: zmq.Context[Any]) -> Any:
    """A publisher at a path, as the page says."""
    limits = {"rcvtimeo": LIMIT, "sndtimeo": LIMIT, "linger": 0}
    return context.socket(zmq.XPUB, bind="ws://127.0.0.1:*/prices", **limits)


def port_of(bound: Any) -> int:
    found = re.search(r":(\d+)(/|$)", bound.last_endpoint.decode())
    assert found
    return int(found[1])


def nginx(server: str, folder: Path, tls: tuple[Path, Path]) -> list[str]:
    """Write the configuration and return what starts nginx with it."""
    users = folder / "users"
    users.write_text(LOGIN.replace(":", ":{PLAIN}") + "\n")
    places = {"/etc/ssl/example.org.pem": tls[0], "/etc/ssl/example.org.key": tls[1]}
    for old, new in {**places, "/etc/nginx/users": users}.items():
        assert old in server, old
        server = server.replace(old, str(new))
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, server=server))
    return ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(config)]


def caddy(server: str, folder: Path, tls: tuple[Path, Path]) -> list[str]:
    """Write the configuration and return what starts Caddy with it."""
    server = server.replace("{\n", f"{{\n    bind 127.0.0.1\n    tls {tls[0]} {tls[1]}\n", 1)
    config = folder / "Caddyfile"
    config.write_text(CADDY.format(folder=folder, server=server))
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]


KINDS: dict[str, tuple[str, str, Callable[..., list[str]]]] = {
    "nginx": ("server {", r"^    location /prices \{.*?^    \}$", nginx),
    "caddy": ("example.org {", r"^    @prices \{.*?^    reverse_proxy.*?$", caddy),
}


@pytest.fixture(params=KINDS)
def front(
    request: pytest.FixtureRequest, tmp_path: Path, bundle: Path, certificate: tuple[Path, Path],
    browser: Browser, prices: Any,
) -> Iterator[Front]:  # fmt: skip
    """The server of that name before our sockets, each at a path of its own."""
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param}: apt install {request.param}")
    beginning, part, start = KINDS[request.param]
    sockets = {"prices": prices, "orders": browser.orders, "reports": browser.reports}
    made = Front(free_port(), bool(request.param == "nginx"))
    text = copies(documented(beginning), part, {n: port_of(s) for n, s in sockets.items()})
    for old, new in {
        "listen 443": f"listen 127.0.0.1:{made.port}",
        "https://example.org": made.origin,
        "example.org {": f"localhost:{made.port} {{",
        "server_name example.org": "server_name localhost",
        "/srv/page": str(bundle),
    }.items():
        text = text.replace(old, new)
    errors = tmp_path / "front"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            start(text, tmp_path, certificate), stdin=subprocess.DEVNULL, stdout=stderr,
            stderr=stderr, start_new_session=True, env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip
    try:
        wait_until(lambda: process.poll() is not None or made.listens())
        assert process.poll() is None, errors.read_text()
        yield made
    finally:
        end(process)


def test_strangers_are_sent_away(front: Front) -> None:
    """Who comes from another page, or without a login, does not reach the socket."""
    login = {"Authorization": f"Basic {base64.b64encode(LOGIN.encode()).decode()}"}
    if not front.asks_for_login:
        login = {}
    assert front.status("/page.html", **login) == 200
    assert front.status("/prices", Origin=front.origin, **login) == 101
    assert front.status("/prices", Origin="https://example.com", **login) in (403, 404)
    assert front.status("/prices", **login) in (403, 404)
    if front.asks_for_login:
        assert front.status("/page.html") == 401
        assert front.status("/prices", Origin=front.origin) == 401


def test_a_page_reads_through_it(
    front: Front, browser: Browser, prices: Any, tmp_path: Path
) -> None:
    """The page is the front's as well: what it was asked for the page it gives for the socket."""
    need(shutil.which("chromium"), "chromium")
    base = front.origin.replace("https:", "wss:")
    places = {"orders": f"{base}/orders", "reports": f"{base}/reports"}
    reader = {"type": "sub", "endpoint": f"{base}/prices", "topics": [b"oslo".hex()]}
    settings = json.dumps({**places, "sockets": {"sub": reader}})
    login = f"{LOGIN}@" if front.asks_for_login else ""
    page = f"{front.origin.replace('//', f'//{login}')}/page.html"
    words = command("chromium", page, settings, tmp_path)
    words.insert(1, "--ignore-certificate-errors")
    errors = tmp_path / "stderr"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, start_new_session=True
        )
    try:
        assert "Chrome" in browser.report("ready")[0].decode()
        assert prices.recv() == b"\x01oslo"
        prices.send_multipart([b"rome", b"28"])
        prices.send_multipart([b"oslo", b"21.5"])
        assert browser.report("sub") == [b"oslo", b"21.5"]
    except zmq.Again:
        pytest.fail(f"nothing came\n{errors.read_text(errors='replace')[-4000:]}")
    finally:
        end(process)
