"""keygen, doctor, completion, the help, and the command without its extra."""

from __future__ import annotations

import http.server
import json
import os
import re
import socket
import stat
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from command_line import ENVIRONMENT, LIMIT, Started, free_port, reachable, run
from support import FACTOR, needs_curve, wait_until

import zmqlite as zmq
from zmqlite.certs import load_certificate
from zmqlite.cli import main
from zmqlite.cli.table import VERBS

TCP = "tcp://127.0.0.1:*"
PATIENCE = str(20 * FACTOR)


@needs_curve
def test_keygen_makes_a_pair_and_replaces_none(tmp_path: Path) -> None:
    words = ["keygen", "me", "--dir", str(tmp_path / "keys"), "--meta", "name=Alice"]
    code, out, err = run(*words)
    public, secret = tmp_path / "keys" / "me.key", tmp_path / "keys" / "me.key_secret"
    assert code == 0, err
    assert load_certificate(public) == (out.strip().encode(), None)
    key, own = load_certificate(secret)
    assert own is not None
    assert zmq.curve_public(own) == key == out.strip().encode()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert "name = Alice" in secret.read_text()
    before = secret.read_bytes()
    code, out, err = run(*words)
    assert (code, out, secret.read_bytes()) == (2, "", before)
    assert "--force replaces it" in err
    public.unlink()
    assert run(*words)[0] == 2  # one of the two is enough
    assert run(*words, "--force")[0] == 0
    assert secret.read_bytes() != before


@needs_curve
@pytest.mark.parametrize("words", [["a/b"], [".."], [""], ["x", "--meta", "none"]])
def test_keygen_refuses_odd_names(words: list[str], tmp_path: Path) -> None:
    assert run("keygen", *words, cwd=str(tmp_path))[0] == 2
    assert list(tmp_path.iterdir()) == []


def examined(*words: str, **options: object) -> tuple[int, dict[str, dict[str, str]]]:
    code, out, err = run("doctor", "--json", *words, **options)
    assert out, err
    return code, {one["subject"]: one for one in json.loads(out)}


def test_doctor_finds_nothing_wrong_here() -> None:
    code, out, err = run("doctor")
    assert (code, err) == (0, ""), out
    assert out.splitlines()[-1] == "Nothing is wrong."
    _, found = examined()
    assert zmq.__version__ in found["zmqlite"]["text"]
    assert zmq.zmq_version() in found["libzmq"]["text"]
    for transport in ("inproc", "tcp"):
        assert found[transport]["text"] == "a message went there and back"


def test_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    """Few descriptors, and a folder for temporary files whose name is too long."""
    long = tmp_path / ("x" * 100)
    long.mkdir()
    import resource

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))

    code, found = examined(env={"TMPDIR": str(long)}, preexec_fn=few)
    assert code == 1
    assert found["descriptors"]["status"] == "WRONG"
    assert "ulimit -n" in found["descriptors"]["remedy"]
    if zmq.has("ipc"):
        assert found["temporary"]["remedy"] == "set TMPDIR to a shorter path"


def test_doctor_examines_addresses(context: zmq.SyncContext, tmp_path: Path) -> None:
    with context.socket(zmq.PULL) as pull, socket.create_server(("127.0.0.1", 0)) as other:
        good = str(pull.bind(TCP))
        deaf = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        words = [good, deaf, "tcp://127.0.0.1:9", "tcp://127.0.0.1:99999", f"ipc://{tmp_path}/x"]
        words.append("x://there")
        code, found = examined(*words, "-T", "2")
        assert code == 1
        assert found[good]["status"] == "ok"
        assert "ZMTP 3.1, NULL" in found[good]["text"]
        assert "nobody listens there" in found[words[2]]["remedy"]
        assert "too large" in found[words[3]]["text"]
        assert "nobody has bound this path" in found[words[4]]["remedy"]
        assert found[deaf]["status"] == "WRONG"
        assert found["x://there"]["text"] == "there is no transport x"


@pytest.mark.skipif(not zmq.has("ws"), reason="this libzmq has no ws")
def test_doctor_examines_websockets(context: zmq.SyncContext) -> None:
    """ZeroMQ, a server of HTTP, and a socket of tcp."""
    with (
        context.socket(zmq.PULL) as pull,
        http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as web,
    ):
        thread = threading.Thread(target=web.handle_request)
        thread.start()
        good = str(pull.bind("ws://127.0.0.1:*/prices"))
        other = f"ws://127.0.0.1:{web.server_address[1]}"
        tcp = str(pull.bind(TCP)).replace("tcp", "ws")
        code, found = examined(good, other, tcp, "-T", "2")
        thread.join()
    assert code == 1
    assert found[good]["text"] == "ZeroMQ is there: ZWS 2.0, NULL"
    assert found[other]["text"].startswith("a server of HTTP says no: HTTP/1.0 501 ")
    assert found[tcp]["status"] == "WRONG"


def test_doctor_tells_silence_from_an_end() -> None:
    """Who listens and says nothing, who hangs up, and who waits after an old greeting."""

    def hang_up() -> None:
        ending.accept()[0].close()

    def greet() -> None:
        stream = old.accept()[0]
        stream.sendall(b"\xff" + bytes(8) + b"\x7f\x01\x07")  # ZMTP 2.0, of a PULL
        with stream:
            while stream.recv(64):
                pass

    with ExitStack() as stack:
        silent, ending, old = (
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)
        )
        quiet, closing, aged = (
            f"tcp://127.0.0.1:{one.getsockname()[1]}" for one in (silent, ending, old)
        )
        threads = [threading.Thread(target=one) for one in (hang_up, greet)]
        for thread in threads:
            thread.start()
        words = [quiet, closing, aged]
        if zmq.has("ws"):
            words.append(quiet.replace("tcp", "ws"))
        found = examined(*words, "-T", "1")[1]
        for thread in threads:
            thread.join(LIMIT)
    for place in (quiet, *words[3:]):
        assert found[place]["text"] == "someone listens, and says nothing within 1 s"
        assert found[place]["status"] == "WRONG"
    assert found[closing]["text"] == "the peer hung up at once"
    assert found[aged]["text"] == "an old ZeroMQ (ZMTP 2 or older) is there"


@pytest.mark.skipif(not zmq.has("ws"), reason="this libzmq has no ws")
@needs_curve
def test_doctor_tries_keys_over_websockets(context: zmq.SyncContext) -> None:
    public, secret = zmq.curve_keypair()
    with context.socket(zmq.PUB, curve_server=1, curve_secretkey=secret) as server:
        place = str(server.bind("ws://127.0.0.1:*"))
        _, found = examined(place)
        assert (found[place]["status"], found[place]["text"]) == ("note", "it is encrypted")
        code, out, _ = run("doctor", place, "-T", PATIENCE, "--server-key", public.decode())
    assert code == 0, out
    assert "ZWS 2.0, CURVE" in out
    assert "the CURVE handshake succeeds" in out


@pytest.mark.skipif(zmq.has("norm"), reason="this libzmq has NORM")
def test_doctor_knows_the_transports_of_this_libzmq() -> None:
    code, found = examined("norm://127.0.0.1:5555")
    assert code == 1
    assert found["norm://127.0.0.1:5555"]["text"] == "this libzmq was built without norm"
    assert "norm" not in found["norm://127.0.0.1:5555"]["remedy"]


@needs_curve
def test_doctor_tries_keys(context: zmq.SyncContext, tmp_path: Path) -> None:
    public, secret = zmq.curve_keypair()
    assert run("keygen", "me", cwd=str(tmp_path))[0] == 0
    mine = tmp_path / "me.key_secret"
    with context.socket(zmq.PUB, curve_server=1, curve_secretkey=secret) as server:
        place = str(server.bind(TCP))
        words = [place, "--key-file", str(mine), "-T", PATIENCE, "--server-key"]
        code, out, _ = run("doctor", *words, public.decode())
        assert code == 0, out
        assert "the CURVE handshake succeeds" in out
        assert "the two keys belong together" in out
        code, found = examined(*words, zmq.curve_keypair()[0].decode())
        assert code == 1
        assert found[place]["text"].startswith("no CURVE handshake")
        assert "is --server-key that server's key?" in found[place]["remedy"]
    mine.chmod(0o644)
    code, found = examined("--key-file", str(mine))
    assert (code, found[str(mine)]["remedy"]) == (1, f"chmod 600 {mine}")


@needs_curve
def test_doctor_tells_why_a_client_stays_out(context: zmq.SyncContext, tmp_path: Path) -> None:
    """The server refuses its key, or has no CURVE at all."""
    for name in ("server", "me"):
        assert run("keygen", name, cwd=str(tmp_path))[0] == 0
    (tmp_path / "known").mkdir()
    words = ["reply", "-b", TCP, "--echo", "-q", "--key-file", "server.key_secret"]
    port = free_port()
    words[2] = f"tcp://127.0.0.1:{port}"
    with Started(*words, "--allow", "known", cwd=str(tmp_path)):
        place = words[2]
        wait_until(lambda: reachable(port), 20)
        keys = ["--server-key", "server.key", "--key-file", "me.key_secret"]
        code, found = examined(place, *keys, "-T", PATIENCE, cwd=str(tmp_path))
        mine = load_certificate(tmp_path / "me.key")[0].decode()
        assert code == 1
        assert found[place]["text"].startswith("the server knows --server-key, and refuses us")
        assert found[place]["remedy"] == f"have the server allow this public key of ours, {mine}"
        code, found = examined(place, *keys[:2], "-T", PATIENCE, cwd=str(tmp_path))
        assert "--key-file FILE has it" in found[place]["remedy"]
        code, found = examined(place)
        assert (code, found[place]["text"]) == (0, "it is encrypted")
    with context.socket(zmq.PULL) as plain:
        place = str(plain.bind(TCP))
        code, found = examined(place, *keys, cwd=str(tmp_path))
        assert (code, found[place]["text"]) == (1, "no CURVE there, but NULL")


@needs_curve
def test_keys_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    text = 'curve\n    public-key = "{}"\n    secret-key = "{}"\n'
    pairs = [[key.decode() for key in zmq.curve_keypair()] for _ in range(2)]
    (tmp_path / "mixed.key_secret").write_text(text.format(pairs[0][0], pairs[1][1]))
    (tmp_path / "short.key_secret").write_text(text.format(pairs[0][0], "x" * 39))
    (tmp_path / "short.key").write_text('curve\n    public-key = "abc"\n')
    for words, complaint in (
        (["--key-file", "mixed.key_secret"], "the two keys in mixed.key_secret do not belong"),
        (["--key-file", "short.key_secret"], "the secret key in short.key_secret is none"),
        (["--server-key", "short.key"], "short.key is no CURVE key"),
        (["--server-key", "x" * 39 + '"'], "is no CURVE key"),
    ):
        code, _, err = run("pull", "-b", TCP, "-T", "10ms", *words, cwd=str(tmp_path))
        assert (code, err.count("\n")) == (2, 1), err
        assert complaint in err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_what_the_shell_takes(shell: str) -> None:
    code, out, _ = run("completion", shell)
    assert (code, "_ZMQLITE_COMPLETE" in out) == (0, True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("zmqlite mon", ["monitor"]),
        ("zmqlite send --typ", ["--type"]),
        ("zmqlite send --type dea", ["dealer"]),
        ("zmqlite send -o sndhw", ["sndhwm="]),
        ("zmqlite recv --bind tc", ["tcp://"]),
        ("zmqlite pull -f he", ["hex"]),
    ],
)
def test_words_are_completed(line: str, expected: list[str]) -> None:
    words = line.split()
    shell = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    code, out, _ = run(env={"_ZMQLITE_COMPLETE": "bash_complete", **shell})
    assert code == 0
    assert [answer.partition(",")[2] for answer in out.split()] == expected


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help_with_examples(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([verb, "--help"])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert f"zmqlite {verb}" in out.partition("Examples:")[2] or verb == "completion"
    assert "Examples:" in out
    assert max(map(len, out.splitlines())) <= 140


def test_the_help_names_every_verb() -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert all(f"\n  {name} " in out for name in [*VERBS, "demo", "version"])


def test_the_help_begins_with_lines_that_work() -> None:
    lines = re.findall(r"^  zmqlite (.*)$", run("--help")[1], re.MULTILINE)
    serving, asking = (line.split() for line in lines)
    with Started(*(TCP if "://" in word else word for word in serving)) as server:
        place = server.endpoint()
        words = [place if "://" in word else word for word in asking]
        assert run(*words, "-T", PATIENCE)[:2] == (0, "hello\n")


@needs_curve
def test_keygen_says_which_file_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, out, err = run("keygen", "x", "--dir", "file/folder", cwd=str(tmp_path))
    assert (code, out) == (1, "")
    assert err == "zmqlite: cannot write to file/folder: Not a directory\n"


# -- without the extra ---------------------------------------------------------------------------

WITHOUT = "import sys; sys.modules['click'] = None; from zmqlite.cli import main; "


def bare(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, **ENVIRONMENT}, timeout=LIMIT,
    )  # fmt: skip


def test_without_the_extra_a_verb_says_how_to_get_it() -> None:
    each = f"""
for verb in {list(VERBS)}:
    try:
        print(verb, "ended with", main([verb, "--help"]))
    except SystemExit as end:
        assert end.code == 2, verb
"""
    done = bare(f"{WITHOUT}{each}")
    how = "needs click and rich: pip install 'zmqlite[cli]'"
    lines = [f"zmqlite: `{verb}` {how}" for verb in VERBS]
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (0, "", lines)


def test_without_the_extra_version_and_demo_work() -> None:
    assert bare(f"{WITHOUT}sys.exit(main(['version']))").returncode == 0
    done = bare(f"{WITHOUT}sys.exit(main(['demo', '--quick', '--only', 'reqrep']))")
    assert done.returncode == 0
    done = bare(f"{WITHOUT}sys.exit(main(['--help']))")
    assert (done.returncode, "zmqlite[cli]" in done.stdout) == (0, True)
    assert bare(f"{WITHOUT}sys.exit(main([]))").returncode == 2


@pytest.mark.parametrize(
    "code",
    [
        "import zmqlite, zmqlite.asyncio, zmqlite.cli",
        "from zmqlite.cli import main; main(['version'])",
    ],
)
def test_nothing_else_loads_click_or_rich(code: str) -> None:
    done = bare(f"{code}; import sys; sys.exit('click' in sys.modules or 'rich' in sys.modules)")
    assert done.returncode == 0, done.stderr


def test_the_console_script_is_the_same_command() -> None:
    script = Path(sys.executable).with_name("zmqlite")
    if not script.exists():
        pytest.skip("zmqlite is not installed with its script")
    done = subprocess.run([script, "version"], capture_output=True, text=True, check=True)
    assert zmq.__version__ in done.stdout


def test_the_same_command_twice_in_one_process() -> None:
    with Started("pull", "-b", TCP, "-n", "2", "-T", PATIENCE) as printing:
        place = printing.endpoint()
        call = f"main(['push', '-c', {place!r}, 'x'])"
        done = bare(f"from zmqlite.cli import main; assert {call} == 0; assert {call} == 0")
        assert done.returncode == 0, done.stderr
        assert printing.end()[1] == "x\nx\n"
