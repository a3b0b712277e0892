"""An address, and a CURVE key pair."""

from __future__ import annotations

import os
import re
import socket as sockets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...certs import load_certificate
from ...context import Context
from ...endpoint import TRANSPORTS, check
from ...enums import Event, SocketType
from ...error import Again, ZMQError
from ...security import curve_public
from ...socket.address_errors import transports
from ...socket.peers import PastPeer
from ..shared.formats import visible
from ..shared.opening import curve_options
from ..shared.values import duration
from .finding import FINE, NOTE, WRONG, Finding

__all__ = ["the_address", "the_keys"]

# RFC 23: signature, version, mechanism, and more. A peer that has read our signature and version
# sends all of its own; a mechanism that it does not speak would have it hang up.
_SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
_VERSION = b"\x03\x01"
_GREETING = 64  # bytes in all
# RFC 45: the mechanism is chosen with the subprotocol; the peer takes that which is its own.
_UPGRADE = """\
GET /{path} HTTP/1.1\r
Host: {host}\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Key: em1xbGl0ZSdzIGRvY3Rvcg==\r
Sec-WebSocket-Protocol: ZWS2.0/NULL, ZWS2.0/PLAIN, ZWS2.0/CURVE, ZWS2.0\r
Sec-WebSocket-Version: 13\r
\r
"""
_HEADERS = 8192  # bytes at most
_ANOTHER = "is this the port of another service?"
_UPGRADED = re.compile(
    rb"HTTP/1\.1 101 .*^Sec-WebSocket-Protocol: *ZWS2\.0/?(\w*)", re.I | re.M | re.S
)


def the_address(
    address: str, patience: float, server_key: str | None, key_file: str | None
) -> Iterator[Finding]:
    """Look at an address: how it is written, who is there, whether a handshake succeeds."""
    try:
        check(address, "connect")
    except ZMQError as error:
        yield Finding(WRONG, address, f"no address: {error.strerror}", error.hint)
        return
    transport, _, place = address.partition("://")
    here = transports()
    if transport not in here:
        without = f"this libzmq was built without {transport}"
        what = without if transport in TRANSPORTS else f"there is no transport {transport}"
        yield Finding(WRONG, address, what, f"those that are here: {', '.join(here)}")
        return
    if transport not in ("tcp", "ipc", "ws"):
        yield Finding(NOTE, address, f"well written; {transport} is not tried from here")
        return
    met, mechanism = greet(address, transport, place, patience)
    yield met
    if server_key is None:
        if mechanism == "CURVE":
            yield Finding(NOTE, address, "it is encrypted", "try keys with --server-key KEY")
    elif mechanism == "CURVE":
        yield encrypted(address, patience, server_key, key_file)
    elif mechanism:
        remedy = "start the server with its keys (zmqlite: --key-file NAME.key_secret)"
        yield Finding(WRONG, address, f"no CURVE there, but {mechanism}", remedy)


def greet(address: str, transport: str, place: str, patience: float) -> tuple[Finding, str]:
    """Connect, and read how the peer greets; return the mechanism that it names as well."""
    end = time.monotonic() + patience
    greeting, enough, tell = _SIGNATURE + _VERSION, _GREETING, spoken
    if transport == "ws":
        place, _, path = place.partition("/")
        greeting = _UPGRADE.format(path=path, host=place).encode("utf-8", "surrogateescape")
        enough, tell = _HEADERS, upgraded
    try:
        stream = reached(transport, place, patience)
    except TimeoutError:
        text = f"no answer within {duration(patience)}"
        return Finding(WRONG, address, text, "a wrong host, or a firewall that drops?"), ""
    except UnicodeError:  # as IDNA has it: a part that is too long, or of odd bytes
        return Finding(WRONG, address, "this is no name of a host", "is it spelt right?"), ""
    except OSError as error:
        return Finding(WRONG, address, error.strerror or str(error), remedy_for(error)), ""
    seen, silent = b"", False
    with stream:
        try:
            stream.sendall(greeting)
            while len(seen) < enough and not (transport == "ws" and b"\r\n\r\n" in seen):
                stream.settimeout(max(end - time.monotonic(), 0.001))
                piece = stream.recv(enough - len(seen))
                if not piece:
                    break
                seen += piece
        except TimeoutError:
            silent = not seen
        except OSError:
            seen = b""
    if silent:
        text = f"someone listens, and says nothing within {duration(patience)}"
        return Finding(WRONG, address, text, _ANOTHER), ""
    return tell(address, seen)


def reached(transport: str, place: str, patience: float) -> sockets.socket:
    """Return a plain connection to an address."""
    if transport == "ipc":
        stream = sockets.socket(sockets.AF_UNIX)
        stream.settimeout(patience)
        try:
            stream.connect("\0" + place[1:] if place.startswith("@") else place)
        except BaseException:
            stream.close()
            raise
        return stream
    host, _, port = place.rpartition(";")[2].rpartition(":")
    return sockets.create_connection((host.strip("[]"), int(port)), timeout=patience)


def remedy_for(error: OSError) -> str:
    if isinstance(error, sockets.gaierror):
        return "the name is not known: is it spelt right, does DNS work?"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there: does the program run, has it bound this port?"
    if isinstance(error, FileNotFoundError):
        return "nobody has bound this path"
    return ""


def spoken(address: str, seen: bytes) -> tuple[Finding, str]:
    """Return what a greeting tells, and its mechanism."""
    if len(seen) < len(_SIGNATURE) or seen[0] != 0xFF or not seen[9] & 1:
        text = "someone listens, and does not speak ZeroMQ" if seen else "the peer hung up at once"
        return Finding(WRONG, address, text, _ANOTHER), ""
    if len(seen) < _GREETING:
        return Finding(NOTE, address, "an old ZeroMQ (ZMTP 2 or older) is there"), "NULL"
    mechanism = visible(seen[12:32].rstrip(b"\0")).decode()
    text = f"ZeroMQ is there: ZMTP {seen[10]}.{seen[11]}, {mechanism}"
    return Finding(FINE, address, text), mechanism


def upgraded(address: str, seen: bytes) -> tuple[Finding, str]:
    """Return what the answer to a WebSocket's request tells, and its mechanism."""
    found = _UPGRADED.match(seen.partition(b"\r\n\r\n")[0])
    if found:
        mechanism = found[1].decode() or "NULL"
        return Finding(FINE, address, f"ZeroMQ is there: ZWS 2.0, {mechanism}"), mechanism
    remedy = "is this the port of another service, or of a socket of tcp?"
    if seen.startswith(b"HTTP/"):
        line = visible(seen.partition(b"\r\n")[0]).decode()
        return Finding(WRONG, address, f"a server of HTTP says no: {line}", remedy), ""
    text = "someone listens, and does not speak WebSocket" if seen else "the peer hung up at once"
    return Finding(WRONG, address, text, remedy), ""


def encrypted(address: str, patience: float, server_key: str, key_file: str | None) -> Finding:
    """Shake hands with CURVE, as each type of socket that the peer may want."""
    context = Context()
    options: dict[str, Any] = {**curve_options(server_key, key_file)}
    end = time.monotonic() + patience
    ends: list[PastPeer] = []
    try:
        for kind in _TYPES:
            with context.socket(kind, linger=0, connect=address, **options) as socket:
                while not socket.past_peers and time.monotonic() < end:
                    try:
                        socket.wait_peers(1, timeout=20)
                    except Again:
                        continue
                    return Finding(FINE, address, "the CURVE handshake succeeds with these keys")
                ends += socket.past_peers
    finally:
        context.destroy(linger=0)
    refused = [one for one in ends if one.event == Event.HANDSHAKE_FAILED_AUTH]
    if refused:
        key = options["curve_publickey"].decode()
        own = f"this public key of ours, {key}" if key_file else "our key: --key-file FILE has it"
        text = f"the server knows --server-key, and refuses us: {refused[-1].reason}"
        return Finding(WRONG, address, text, f"have the server allow {own}")
    if ends:
        remedy = "is --server-key that server's key? does the server allow ours?"
        return Finding(WRONG, address, f"no CURVE handshake: {ends[-1].reason}", remedy)
    text = f"no CURVE handshake within {duration(patience)}"
    return Finding(WRONG, address, text, "a server that is busy, or one that only connects?")


_TYPES = (SocketType.DEALER, SocketType.SUB, SocketType.PUSH, SocketType.PULL, SocketType.PAIR)


def the_keys(name: str) -> Iterator[Finding]:
    """Look at a file of keys: whether they belong together, and who may read it."""
    try:
        public, secret = load_certificate(name)
    except (OSError, ValueError) as error:
        yield Finding(WRONG, name, getattr(error, "strerror", None) or str(error))
        return
    if secret is None:
        yield Finding(FINE, name, f"a public key: {public.decode('ascii', 'replace')}")
        return
    try:
        together = curve_public(secret) == public
    except (ZMQError, ValueError) as error:
        yield Finding(WRONG, name, f"the secret key is none: {error}")
        return
    if together:
        yield Finding(FINE, name, "the two keys belong together")
    else:
        remedy = "make new ones with `zmqlite keygen`"
        yield Finding(WRONG, name, "the public key is not that of the secret key", remedy)
    others = Path(name).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    if others and os.name == "posix":
        yield Finding(WRONG, name, "others may read the secret key", f"chmod 600 {name}")
