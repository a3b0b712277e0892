"""--allow and --allow-from: who may connect to a server, and what is said about the others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_line import Started, run
from support import FACTOR, needs_curve, needs_patch, wait_until

import zmqlite as zmq
from zmqlite.auth import Decision
from zmqlite.certs import load_certificate
from zmqlite.cli.shared.allowing import Refusals

pytestmark = needs_curve

PATIENCE = str(20 * FACTOR)
TCP = "tcp://127.0.0.1:*"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with the keys of a server and two clients, and `known`, with one of these."""
    for name in ("server", "alice", "eve"):
        assert run("keygen", name, "-q", cwd=str(tmp_path))[0] == 0
    (tmp_path / "known").mkdir()
    shutil.copy(tmp_path / "alice.key", tmp_path / "known")
    return tmp_path


def serving(folder: Path, *words: str) -> Started:
    """Start a server that answers what it is asked."""
    given = ["reply", "-b", TCP, "--echo", "--key-file", "server.key_secret", *words]
    return Started(*given, cwd=str(folder))


def asked(folder: Path, place: str, name: str, patience: str = PATIENCE) -> tuple[int, str, str]:
    words = ["request", "-c", place, "--server-key", "server.key", "-T", patience, "hello"]
    return run(*words, "--key-file", f"{name}.key_secret", cwd=str(folder))


def refused(folder: Path, server: Started, place: str) -> str:
    """Have a client knock until the server has refused it; return what the server said."""
    words = ["push", "-c", place, "-q", "--server-key", "server.key", "x", "--key-file"]
    with Started(*words, "eve.key_secret", cwd=str(folder)):
        eve = load_certificate(folder / "eve.key")[0].decode()
        return server.wait_for(f"refused a client at 127.0.0.1: no --allow has its key, {eve}\n")


@pytest.mark.parametrize("kind", ["a key", "a file", "a folder", "several"])
def test_those_who_are_allowed_come_in_and_others_are_named(kind: str, keys: Path) -> None:
    public = load_certificate(keys / "alice.key")[0].decode()
    words = {
        "a key": ["--allow", public],
        "a file": ["--allow", "alice.key"],
        "a folder": ["--allow", "known"],
        "several": ["--allow", "server.key", "--allow", "known"],
    }[kind]
    with serving(keys, *words) as server:
        place = server.endpoint()
        assert asked(keys, place, "alice")[:2] == (0, "hello\n")
        refused(keys, server, place)
        code, out, _ = asked(keys, place, "eve", "50ms")
        assert (code in (1, 124), out) == (True, "")  # 1: it has heard of the refusal by then
        assert asked(keys, place, "alice")[:2] == (0, "hello\n")
        server.interrupt()
        code, _, err = server.end()
    assert code == 130
    assert err.count("refused") == 1, "it is told once, however often a client tries"
    assert "Traceback" not in err


@needs_patch("known-peers")
def test_a_client_is_told_that_it_was_refused(keys: Path) -> None:
    with serving(keys, "--allow", "known") as server:
        place = server.endpoint()
        text = f"{place} refused us (ZAP status 400)"
        wait_until(lambda: text in asked(keys, place, "eve", "300ms")[2], 20)


@needs_patch("known-peers")
@pytest.mark.parametrize(
    ("words", "lost"),
    [
        ("push x", True),
        (f"push -q -T {PATIENCE} x", True),
        ("push -w 1 x", False),
        ("request x", False),
        ("request -q x", False),
        ("request -T 2 x", False),
        ("sub -q", False),
        ("record -q --force tape", False),
    ],
)
def test_a_command_ends_when_every_server_has_refused_it(
    words: str, lost: bool, keys: Path
) -> None:
    """libzmq asks such a server no more: what waits for it is lost, and no peer ever comes."""
    verb = words.split()[0]
    kind = {"push": "pull", "request": "rep"}.get(verb, "pub")
    serve = ["monitor", "-t", kind, "-b", TCP, "--key-file", "server.key_secret"]
    with Started(*serve, "--allow", "known", cwd=str(keys)) as server:
        place = server.endpoint()
        given = ["-c", place, "--server-key", "server.key"]
        code, out, err = run(*words.split(), *given, cwd=str(keys))
    assert (code, out) == (1, ""), err
    last = err.splitlines()[-1]
    assert f"{place} refused us (ZAP status 400)" in last
    assert last.endswith("; what was sent there is lost") == lost


@needs_patch("known-peers")
def test_a_server_that_comes_late_and_refuses_ends_a_request(keys: Path) -> None:
    """After the word about the wait, too, nobody else will ever answer."""
    place = f"ipc://{keys}/late"
    words = ["request", "-c", place, "--server-key", "server.key", "x"]
    serve = ["reply", "-b", place, "--echo", "--key-file", "server.key_secret", "--allow", "known"]
    with Started(*words, cwd=str(keys)) as asking:
        asking.wait_for("waiting for a peer")
        with Started(*serve, cwd=str(keys)):
            code, out, err = asking.end()
    assert (code, out) == (1, ""), err
    assert "refused us (ZAP status 400)" in err


@needs_patch("known-peers")
def test_lines_after_a_refusal_do_not_wait_for_ever(keys: Path) -> None:
    with serving(keys, "--allow", "known") as server:
        place = server.endpoint()
        words = ["send", "-t", "dealer", "-c", place, "--server-key", "server.key"]
        with Started(*words, cwd=str(keys)) as sending:
            assert sending.process.stdin is not None
            sending.process.stdin.write(b"one\n")
            sending.process.stdin.flush()
            server.wait_for("refused a client")
            sending.process.stdin.write(b"two\n")
            sending.process.stdin.flush()
            code, _, err = sending.end()
    assert code == 1, err
    assert "refused us (ZAP status 400)" in err


def test_a_folder_may_change_while_it_runs(keys: Path) -> None:
    (keys / "known" / "alice.key").unlink()
    with serving(keys, "--allow", "known") as server:
        server.wait_for("there is no NAME.key in known: nobody may connect yet")
        place = server.endpoint()
        assert asked(keys, place, "eve", "100ms")[0] in (1, 124)  # 1: it was told so in time
        shutil.copy(keys / "eve.key", keys / "known")
        assert asked(keys, place, "eve")[:2] == (0, "hello\n")


def test_addresses(keys: Path, context: zmq.SyncContext) -> None:
    """Of clients with any key, and of those without encryption."""
    with serving(keys, "--allow-from", "127.0.0.1") as server:
        assert asked(keys, server.endpoint(), "eve")[:2] == (0, "hello\n")
    words = ["pull", "-b", TCP, "--allow-from", "192.0.2.1", "--allow-from", "2001:db8::1"]
    with (
        Started(*words) as server,
        context.socket(zmq.PUSH, connect=server.endpoint(), linger=0),
    ):
        server.wait_for("refused a client at 127.0.0.1: no --allow-from has its address\n")


def test_a_proxy_with_keys(keys: Path) -> None:
    """A client that is allowed reaches a worker, through two encrypted sides; others do not."""
    (keys / "known" / "server.key").write_bytes((keys / "server.key").read_bytes())
    words = ["proxy", "--frontend", TCP, "--backend", TCP, "--key-file", "server.key_secret"]
    with Started(*words, "--allow", "known", cwd=str(keys)) as proxy:
        front, back = proxy.endpoint(), proxy.endpoint(1)
        worker = ["reply", "-c", back, "--echo", "--server-key", "server.key", "--key-file"]
        with Started(*worker, "server.key_secret", cwd=str(keys)):
            assert asked(keys, front, "alice")[:2] == (0, "hello\n")
            refused(keys, proxy, front)
        with Started(
            "proxy", "--frontend", TCP, "--backend-connect", front, "--key-file",
            "alice.key_secret", "--server-key", "server.key", cwd=str(keys),
        ) as second:  # fmt: skip
            second.endpoint()
            second.interrupt()
            code, _, err = second.end()
            assert (code, "Traceback" in err) == (130, False)
        proxy.interrupt()
        code, _, err = proxy.end()
    assert (code, err.splitlines()[-1]) == (130, "zmqlite: interrupted")
    code, _, err = run(*words[:5], "--allow", "known", cwd=str(keys))
    assert (code, "--allow is for a server" in err) == (2, True)
    secret = (load_certificate(keys / "server.key_secret")[1] or b"").decode()
    given = ["-o", "curve_server=1", "-o", f"curve_secretkey={secret}", "--allow", "known"]
    with Started(*words[:5], *given, cwd=str(keys)) as proxy:  # as other verbs take it
        refused(keys, proxy, proxy.endpoint())


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--allow", "known"], "--allow is for a server: --key-file FILE has its keys"),
        (["--server-key", "server.key", "--allow", "known"], "--allow is for a server"),
        (["--key-file", "server.key_secret", "--allow", "nobody.key"], "no key in nobody.key"),
        (["--key-file", "server.key_secret", "--allow", "short"], "a key has 40 characters"),
        (["-o", "curve_server=0", "--allow", "known"], "--allow is for a server"),
        (["--allow-from", "localhost"], "takes an IP address, not 'localhost'"),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], complaint: str, keys: Path) -> None:
    code, out, err = run("pull", "-b", TCP, *words, cwd=str(keys))
    assert (code, out) == (2, "")
    assert complaint in err.splitlines()[-1]


def test_a_broken_file_of_the_folder_is_named(keys: Path) -> None:
    (keys / "known" / "odd.key").write_bytes(b"\x00\xff")
    with serving(keys, "--allow", "known") as server:
        server.wait_for("zmqlite: no key from known/odd.key: there is no public key")
        assert asked(keys, server.endpoint(), "alice")[:2] == (0, "hello\n")


@pytest.mark.parametrize(
    ("rule", "said"),
    [("key", "no --allow has its key, K"), ("address", "no --allow-from has its address"),
     ("", "Unknown key")],
)  # fmt: skip
def test_a_refusal_is_told_by_its_rule_and_not_by_its_words(rule: str, said: str) -> None:
    heard: list[str] = []
    decision = Decision(False, "", "1.2.3.4", "CURVE", "K", "", "Unknown key", 400, 0.0, rule)
    Refusals(heard.append)(decision)
    assert heard == [f"refused a client at 1.2.3.4: {said}"]
