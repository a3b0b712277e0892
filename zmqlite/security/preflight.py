"""The look at a socket's security settings before it meets the network.

libzmq takes some settings without complaint and then encrypts nothing, shuts everybody out, or
ends the process when the first client comes. `preflight` finds those before bind and connect
and says what is missing.
"""

from __future__ import annotations

from typing import Any

from .._native import core
from .._native.core import curve_public
from ..enums import SecurityMechanism, SocketOption
from ..error import InvalidArgument
from ..options.rows import Kind

__all__ = ["check_pem", "preflight"]

_MECHANISM = SocketOption.MECHANISM.value
_NULL = SecurityMechanism.NULL.value
_PLAIN = SecurityMechanism.PLAIN.value
_CURVE = SecurityMechanism.CURVE.value
_ZERO_KEY = b"0" * 40  # what an unset key reads as


def preflight(socket: core.Socket, operation: str, address: str, subject: str = "") -> None:
    """Refuse to `operation` (bind or connect) with settings that would not do what they say.

    Raises `InvalidArgument` when CURVE lacks a key or has two that are no pair, and for the PLAIN
    server settings that let any client end the process. Costs one option read when no security
    is set.
    """
    mechanism = socket._get_option(_MECHANISM, Kind.INT)
    if mechanism == _NULL or address.startswith("inproc:"):
        return
    if mechanism == _CURVE:
        reason = _curve_lack(socket)
    elif mechanism == _PLAIN:
        reason = _plain_trap(socket)
    else:
        return
    if reason:
        raise InvalidArgument.during(operation, subject or address, reason)


def _curve_lack(socket: core.Socket) -> str:
    def key(option: SocketOption) -> Any:
        return socket._get_option(option.value, Kind.KEY)

    def unset(option: SocketOption) -> bool:
        return key(option) in (_ZERO_KEY, bytes(32), b"", None)

    if unset(SocketOption.CURVE_SECRETKEY):
        side = (
            "server" if socket._get_option(SocketOption.CURVE_SERVER.value, Kind.INT) else "client"
        )
        return (
            f"a CURVE {side} needs its own secret key: make a pair with "
            "public, secret = curve_keypair() and set curve_secretkey = secret"
        )
    server = socket._get_option(SocketOption.CURVE_SERVER.value, Kind.INT)
    if not unset(SocketOption.CURVE_PUBLICKEY):
        problem = _no_pair(key(SocketOption.CURVE_PUBLICKEY), key(SocketOption.CURVE_SECRETKEY))
        if problem and not (server and problem is _OTHER_PAIR):
            return problem
    if server:  # it uses the secret key alone
        return ""
    if unset(SocketOption.CURVE_PUBLICKEY):
        return (
            "a CURVE client needs its own public key beside the secret one: "
            "set curve_publickey = curve_public(secret)"
        )
    if unset(SocketOption.CURVE_SERVERKEY):
        return (
            "a CURVE client needs the public key of the server it wants: "
            "set curve_serverkey, or curve_server = 1 if this is the server"
        )
    return ""


_OTHER_PAIR = (
    "curve_publickey is not that of the secret key: set curve_publickey = curve_public(secret)"
)


def _no_pair(public: bytes, secret: bytes) -> str:
    """Say what is wrong with two keys that do not belong together: no handshake would succeed."""
    if curve_public(secret) == public:
        return ""
    if curve_public(public) == secret:
        return "curve_publickey and curve_secretkey are swapped"
    return _OTHER_PAIR


def _plain_trap(socket: core.Socket) -> str:
    if not core.DRAFT_API or not socket._get_option(SocketOption.PLAIN_SERVER.value, Kind.INT):
        return ""
    if not socket._get_option(SocketOption.ZAP_ENFORCE_DOMAIN.value, Kind.INT):
        return ""
    if socket._get_option(SocketOption.ZAP_DOMAIN.value, Kind.STRING):
        return ""
    return (
        "a PLAIN server with zap_enforce_domain and no zap_domain is ended by its first client: "
        "set zap_domain"
    )


def check_pem(operation: str, address: str, pem: dict[int, bytes]) -> None:
    """Refuse a wss endpoint whose certificates are missing or unreadable.

    `pem` maps the WSS option numbers that were set to their values. libzmq would end the process
    instead. To bind takes WSS_CERT_PEM and WSS_KEY_PEM, which must belong together; to connect
    takes WSS_TRUST_PEM or WSS_TRUST_SYSTEM. The key is written to a private temporary file for a
    moment, for that is the only way Python's ssl module reads one. Raises `InvalidArgument`.
    """
    if operation == "bind":
        cert = pem.get(SocketOption.WSS_CERT_PEM)
        key = pem.get(SocketOption.WSS_KEY_PEM)
        if not cert or not key:
            lacking = "wss_cert_pem" if not cert else "wss_key_pem"
            raise InvalidArgument.during(
                operation, address, f"a wss server needs its certificate and key: set {lacking}"
            )
        _load_pair(operation, address, cert, key)
        return
    trust = pem.get(SocketOption.WSS_TRUST_PEM)
    if trust:
        _load_trust(operation, address, trust)
    elif not pem.get(SocketOption.WSS_TRUST_SYSTEM):
        raise InvalidArgument.during(
            operation,
            address,
            "a wss client needs to know whom to trust: set wss_trust_pem or wss_trust_system = 1",
        )


def _load_pair(operation: str, address: str, cert: bytes, key: bytes) -> None:
    import ssl  # wss alone pays for these imports
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(cert.rstrip(b"\0") + b"\n" + key.rstrip(b"\0") + b"\n")
        file.flush()
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file.name, password=lambda: "")
        except ssl.SSLError as error:
            hint = f"wss_cert_pem and wss_key_pem are no matching PEM pair: {error}"
            raise InvalidArgument.during(operation, address, hint) from error


def _load_trust(operation: str, address: str, trust: bytes) -> None:
    import ssl

    try:
        text = trust.rstrip(b"\0").decode("ascii", "replace")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except ssl.SSLError as error:
        hint = f"wss_trust_pem holds no readable certificate: {error}"
        raise InvalidArgument.during(operation, address, hint) from error
