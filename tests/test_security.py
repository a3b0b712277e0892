"""Keys, encrypted connections, and settings that are refused before they do harm."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR

import zmqlite as zmq
from zmqlite.security import check_pem, keys_equal, preflight

needs_curve = pytest.mark.skipif(not zmq.has("curve"), reason="built without CURVE")
LIMIT = int(5000 * FACTOR)


class TestKeys:
    @needs_curve
    def test_pairs_belong_together(self) -> None:
        public, secret = zmq.curve_keypair()
        assert len(public) == len(secret) == 40
        assert zmq.curve_public(secret) == zmq.curve_public(secret.decode()) == public
        assert zmq.curve_keypair() != (public, secret)

    @pytest.mark.parametrize("wrong", [b"", b"short", "x" * 41])
    def test_wrong_sizes(self, wrong: Any) -> None:
        with pytest.raises(ValueError, match="40"):
            zmq.curve_public(wrong)

    def test_z85(self) -> None:
        # The example of rfc.zeromq.org/spec/32
        raw = bytes.fromhex("864FD26FB559F75B")
        assert zmq.z85_encode(raw) == b"HelloWorld"
        assert zmq.z85_decode(b"HelloWorld") == zmq.z85_decode("HelloWorld") == raw

    def test_comparison(self) -> None:
        assert keys_equal(b"abc", "abc")
        assert keys_equal("ü", "ü".encode())
        assert not keys_equal(b"abc", b"abd")
        assert not keys_equal(b"abc", b"abcd")


@needs_curve
class TestCurve:
    @pytest.mark.parametrize("endpoint", ["tcp", "ipc", "ws"], indirect=True)
    def test_encrypted_pair(self, context: Any, endpoint: str) -> None:
        server_public, server_secret = zmq.curve_keypair()
        public, secret = zmq.curve_keypair()
        server = context.socket(
            zmq.REP, bind=endpoint, rcvtimeo=LIMIT, curve_secretkey=server_secret, curve_server=1
        )
        client = context.socket(
            zmq.REQ, connect=server.last_endpoint.decode(), rcvtimeo=LIMIT, linger=0,
            curve_serverkey=server_public, curve_publickey=public, curve_secretkey=secret,
        )  # fmt: skip
        assert client.mechanism == server.mechanism == zmq.CURVE
        client.send(b"secret")
        assert server.recv() == b"secret"
        server.send(b"too")
        assert client.recv() == b"too"

    @pytest.mark.parametrize("call", ["bind", "connect"])
    def test_server_without_its_key(self, context: Any, call: str) -> None:
        server = context.socket(zmq.REP, curve_server=1)
        with pytest.raises(zmq.InvalidArgument, match="server needs its own secret key") as caught:
            getattr(server, call)("tcp://127.0.0.1:5555")
        assert "curve_keypair()" in str(caught.value)
        assert server.endpoints == ()

    @pytest.mark.parametrize(
        ("names", "missing"),
        [
            (("curve_serverkey",), "set curve_secretkey"),
            (("curve_secretkey", "curve_serverkey"), "set curve_publickey"),
            (("curve_secretkey", "curve_publickey"), "set curve_serverkey"),
        ],
    )
    def test_client_without_a_key(self, context: Any, names: Any, missing: str) -> None:
        public, secret = zmq.curve_keypair()
        client = context.socket(zmq.REQ)
        for name in names:
            setattr(client, name, secret if name == "curve_secretkey" else public)
        with pytest.raises(zmq.InvalidArgument, match=missing):
            client.connect("tcp://127.0.0.1:5555")

    @pytest.mark.parametrize("side", ["server", "client"])
    def test_keys_that_are_no_pair(self, context: Any, side: str) -> None:
        """libzmq accepts them, and then no handshake of a client succeeds."""
        public, secret = zmq.curve_keypair()
        other = zmq.curve_keypair()[0]
        options = {"curve_server": 1} if side == "server" else {"curve_serverkey": other}
        socket = context.socket(zmq.DEALER, **options, linger=0)
        call = socket.bind if side == "server" else socket.connect
        endpoint = "tcp://127.0.0.1:*" if side == "server" else "tcp://127.0.0.1:5555"
        socket.curve_publickey, socket.curve_secretkey = secret, public
        with pytest.raises(zmq.InvalidArgument, match="curve_secretkey are swapped"):
            call(endpoint)
        socket.curve_publickey, socket.curve_secretkey = other, secret
        with pytest.raises(zmq.InvalidArgument, match=r"curve_publickey = curve_public\(secret\)"):
            call(endpoint)

    def test_inproc_is_not_encrypted_and_needs_no_keys(self, context: Any) -> None:
        context.socket(zmq.REP, curve_server=1).bind("inproc://plain")

    def test_socket_works_once_the_key_is_there(self, context: Any) -> None:
        server = context.socket(zmq.REP, curve_server=1)
        with pytest.raises(zmq.InvalidArgument):
            server.bind("tcp://127.0.0.1:*")
        server.curve_secretkey = zmq.curve_keypair()[1]
        server.bind("tcp://127.0.0.1:*")


class TestPlain:
    @pytest.mark.skipif(not zmq.DRAFT_API, reason="built without drafts")
    def test_settings_that_let_a_client_end_the_process(self, context: Any) -> None:
        server = context.socket(zmq.REP, plain_server=1, zap_enforce_domain=1)
        with pytest.raises(zmq.InvalidArgument, match="set zap_domain"):
            server.bind("tcp://127.0.0.1:*")
        server.zap_domain = "global"
        server.bind("tcp://127.0.0.1:*")

    def test_ordinary_settings(self, context: Any) -> None:
        server = context.socket(zmq.REP, plain_server=1, bind="tcp://127.0.0.1:*")
        client = context.socket(zmq.REQ, plain_username="u", plain_password="p", linger=0)
        client.connect(server.last_endpoint.decode())

    def test_null_costs_one_look(self) -> None:
        class Plain:
            asked = 0

            def _get_option(self, option: int, kind: int, /) -> object:
                self.asked += 1
                return zmq.NULL

        plain = Plain()
        preflight(plain, "bind", "tcp://127.0.0.1:5555")
        assert plain.asked == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A self-signed certificate and its key, as PEM."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command")
    home = tmp_path_factory.mktemp("pem")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-keyout", home / "key", "-out", home / "cert"],
        check=True, capture_output=True,
    )  # fmt: skip
    return Path(home / "cert").read_bytes(), Path(home / "key").read_bytes()


class TestWss:
    def check(self, operation: str, **pem: bytes) -> None:
        numbers = {getattr(zmq, name.upper()).value: value for name, value in pem.items()}
        check_pem(operation, "wss://127.0.0.1:5555", numbers)

    def test_good_settings(self, certificate: tuple[bytes, bytes]) -> None:
        cert, key = certificate
        self.check("bind", wss_cert_pem=cert, wss_key_pem=key)
        self.check("connect", wss_trust_pem=cert)
        self.check("connect", wss_trust_system=1)  # type: ignore[arg-type]

    def test_nothing_set(self) -> None:
        with pytest.raises(zmq.InvalidArgument, match="set wss_cert_pem"):
            self.check("bind")
        with pytest.raises(zmq.InvalidArgument, match="set wss_key_pem"):
            self.check("bind", wss_cert_pem=b"x")
        with pytest.raises(zmq.InvalidArgument, match="set wss_trust_pem"):
            self.check("connect")

    def test_unreadable(self, certificate: tuple[bytes, bytes]) -> None:
        cert, key = certificate
        with pytest.raises(zmq.InvalidArgument, match="no matching PEM pair"):
            self.check("bind", wss_cert_pem=cert, wss_key_pem=b"nonsense")
        with pytest.raises(zmq.InvalidArgument, match="no matching PEM pair"):
            self.check("bind", wss_cert_pem=b"nonsense", wss_key_pem=key)
        with pytest.raises(zmq.InvalidArgument, match="no readable certificate"):
            self.check("connect", wss_trust_pem=b"nonsense")

    @pytest.mark.skipif(not zmq.has("wss"), reason="built without wss")
    def test_sockets_are_checked(self, context: Any, certificate: tuple[bytes, bytes]) -> None:
        cert, key = certificate
        server = context.socket(zmq.REP, wss_cert_pem=cert)
        with pytest.raises(zmq.InvalidArgument, match="set wss_key_pem"):
            server.bind("wss://127.0.0.1:*")
        server.wss_key_pem = key
        server.bind("wss://127.0.0.1:*")
