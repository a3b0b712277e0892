"""Types of sockets that cannot do what a verb is for, and options that they have no use for."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from command_line import Started, run
from support import FACTOR, needs_drafts

import zmqlite as zmq
from zmqlite.cli import main
from zmqlite.cli.shared.abilities import LACKS
from zmqlite.cli.verbs.proxy import kinds_of

TCP = "tcp://127.0.0.1:*"
PATIENCE = str(20 * FACTOR)
TASKS = {
    "receive": (["recv"], ["record", "new"], ["rate"]),
    "send": (["send", "x"], ["replay", "{recording}"]),
}


def complaint(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a command that is to end at once; return its exit code and its last line."""
    try:
        code = main(list(words))
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    assert out == ""
    return code, err.splitlines()[-1]


@pytest.mark.parametrize("task", TASKS)
def test_a_type_that_cannot_do_it_is_refused(
    task: str,
    recording: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before anything is bound, waited for or written."""
    monkeypatch.chdir(tmp_path)
    for words in TASKS[task]:
        verb, *more = (word.format(recording=recording) for word in words)
        for name in LACKS[task]:
            given = [verb, "-t", name.lower(), "-b", TCP, "-w", "1", "-T", "20", *more]
            code, line = complaint(*given, capsys=capsys)
            assert code == 2, given
            assert line.startswith(f"zmqlite: --type {name.lower()} makes no sense here: a {name}")
    assert not (tmp_path / "new").exists()


def test_the_types_are_those_that_say_so_themselves(context: zmq.SyncContext) -> None:
    """A socket that can neither receive nor send now might later: that is no lack."""
    lacks: dict[str, set[str]] = {"receive": set(), "send": set()}
    for kind in zmq.SocketType:
        if kind >= zmq.SERVER and not zmq.DRAFT_API:
            lacks["receive"] |= {kind.name} & set(LACKS["receive"])
            lacks["send"] |= {kind.name} & set(LACKS["send"])
            continue
        with context.socket(kind, linger=0) as socket:
            try:
                with suppress(zmq.Again):
                    socket.recv(zmq.DONTWAIT)
            except (zmq.NotSupported, zmq.StateError):
                lacks["receive"].add(kind.name)
            try:
                with suppress(zmq.Again, zmq.HostUnreachable):
                    socket.send(b"x", zmq.DONTWAIT)
            except (zmq.NotSupported, zmq.StateError):
                lacks["send"].add(kind.name)
    assert lacks == {task: set(names) for task, names in LACKS.items()}
    assert not lacks["receive"] & lacks["send"], "a proxy's check builds on that"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["recv", "--topic", "x"], "--topic is for a SUB: a PULL takes all that comes"),
        (["record", "new", "-t", "pull", "--topic", "x"], "--topic is for a SUB"),
        (["rate", "-t", "dealer", "--topic", "x"], "--topic is for a SUB"),
        (["recv", "--join", "x"], "--join is for a DISH: a PULL has no groups"),
        (["rate", "--join", "x"], "--join is for a DISH: a SUB has no groups"),
        (["recv", "-t", "dish"], "a DISH takes what is sent to its groups: --join GROUP says"),
        (["record", "new", "-t", "dish"], "a DISH takes what is sent to its groups"),
        (["recv", "-t", "rep"], "a REP has to answer a request before it receives the next"),
        (["recv", "-t", "rep", "-n", "2"], "`zmqlite reply --show` does"),
        (["record", "new", "-t", "rep"], "`zmqlite reply --show` does"),
        (["rate", "-t", "rep", "-n", "1"], "`zmqlite reply --show` does"),
        (["send", "--group", "x", "y"], "--group is for a RADIO: a PUSH has no groups"),
        (["recv", "-n", "9" * 20], "is too large"),
        (["recv", "-n", "-1"], "'-1' is no number of 1 or more"),
        (["pub", "-i", "x", "y"], "'x' is no time"),
        (["rate", "-i", "0"], "it has to be more than 0"),
        (["proxy", "--frontend", TCP, "--backend", TCP, "-i", "0"], "it has to be more than 0"),
        (["bench", "-t", "inproc", "--seconds", "0"], "it has to be more than 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_that_says_nothing_here_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [] if words[0] in ("proxy", "bench") else ["-b", TCP, "-T", "20ms"]
    code, line = complaint(*words, *where, capsys=capsys)
    assert code == 2
    assert said in line


@pytest.mark.parametrize("types", ["push:pub", "sub:pull", "req:req", "rep:rep", "pull:sub"])
def test_a_proxy_between_which_nothing_passes_is_refused(
    types: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["proxy", "-t", types, "--frontend", TCP, "--backend", TCP]
    code, line = complaint(*words, capsys=capsys)
    assert code == 2
    assert line.startswith("zmqlite: nothing can pass between a ")


@pytest.mark.parametrize(
    "types",
    ["router:dealer", "xsub:xpub", "pull:push", "push:pull", "rep:req", "sub:pub", "pair:push"],
)
def test_a_proxy_between_which_something_passes_is_not(types: str) -> None:
    front, back = kinds_of(types)
    assert f"{front.name}:{back.name}" == types.upper()


@needs_drafts
def test_a_monitor_waits_for_peers_no_longer_than_it_may() -> None:
    code, out, err = run("monitor", "-b", TCP, "-w", "1", "-T", "50ms")
    assert (code, out) == (124, "")
    assert "after 50 ms: 0 of 1 peers" in err


@pytest.mark.parametrize("name", ["router", "stream"])
def test_a_message_without_an_address_is_refused(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would be dropped without a word."""
    code, line = complaint("send", "-t", name, "-q", "-b", TCP, "x", capsys=capsys)
    upper = name.upper()
    why = f"a {upper} sends two parts or more: a peer's routing id, and the rest"
    assert (code, line) == (1, f"zmqlite: {why}")


def test_a_rep_prints_one_request(context: zmq.SyncContext) -> None:
    words = ["recv", "-t", "rep", "-b", TCP, "-n", "1", "-T", PATIENCE]
    with Started(*words) as printing, context.socket(zmq.REQ, linger=0) as asking:
        asking.connect(printing.endpoint())
        asking.send(b"x")
        assert printing.end()[:2] == (0, "x\n")


def test_an_xsub_subscribes() -> None:
    words = ["recv", "-t", "xsub", "-b", TCP, "-n", "1", "-T", PATIENCE, "--topic", "b"]
    with Started(*words) as printing:
        sent = run("pub", "-c", printing.endpoint(), "-T", PATIENCE, "a1", "b1")
        assert sent[0] == 0, sent[2]
        assert printing.end()[:2] == (0, "b1\n")


@needs_drafts
def test_a_dish_is_recorded(tmp_path: Path) -> None:
    file = tmp_path / "groups.zmqrec"
    words = ["record", str(file), "-t", "dish", "--join", "news", "-n", "1", "-b", TCP]
    with Started(*words, "-T", PATIENCE) as recorder:
        given = ["send", "-t", "radio", "--group", "news", "-n", "100000", "-i", "10ms", "rain"]
        with Started(*given, "-c", recorder.endpoint()):
            assert recorder.end()[0] == 0
    assert b"rain" in file.read_bytes()
