"""proxy, rate, bench, monitor: what they pass on, count, measure and tell."""

from __future__ import annotations

import json
import re
import xml.dom.minidom
from pathlib import Path
from typing import Any

import pytest
from command_line import Started, run
from support import FACTOR, needs_drafts, wait_until

import zmqlite as zmq
from zmqlite.cli import main
from zmqlite.cli.bench import client

PATIENCE = str(20 * FACTOR)
MS = int(20_000 * FACTOR)
TCP = "tcp://127.0.0.1:*"


def ends(*words: str) -> list[str]:
    return ["proxy", "--frontend", TCP, "--backend", TCP, *words]


def test_a_proxy_deals_requests_out_and_tells_how_many(context: zmq.SyncContext) -> None:
    with Started(*ends("--capture", TCP)) as proxy:
        front, back, tapped = (proxy.endpoint(number) for number in range(3))
        with context.socket(zmq.SUB, connect=tapped, subscribe="", rcvtimeo=MS) as capture:
            with Started("reply", "-c", back, "--echo"):
                # the capture may come late: ask until it has seen something
                def seen() -> bool:
                    out = run("request", "-c", front, "-T", PATIENCE, "hello")[1]
                    return out == "hello\n" and capture.readable()

                wait_until(seen, 20)
            assert capture.recv_multipart()[-1] == b"hello"
        proxy.interrupt()
        code, out, err = proxy.end()
        assert (code, out) == (130, "")
        found = re.search(r"(\d+) messages \(\d+ B\) from the frontend, (\d+) ", err)
        assert found
        assert int(found[1]) == int(found[2]) > 0


@pytest.mark.parametrize("types", ["forwarder", "xsub:xpub"])
def test_a_forwarder_joins_publishers_and_subscribers(types: str) -> None:
    with Started(*ends("--types", types)) as proxy:
        front, back = proxy.endpoint(), proxy.endpoint(1)
        with Started("sub", "-c", back, "-n", "1", "-T", PATIENCE) as printing:
            assert run("pub", "-c", front, "-T", PATIENCE, "news")[0] == 0
            assert printing.end()[1] == "news\n"


def test_a_streamer_that_connects(context: zmq.SyncContext) -> None:
    with (
        context.socket(zmq.PUSH) as push,
        context.socket(zmq.PULL, rcvtimeo=MS) as pull,
    ):
        sides = ["--frontend-connect", push.bind(TCP), "--backend-connect", pull.bind(TCP)]
        with Started("proxy", "-t", "streamer", *sides, "-o", "sndhwm=5"):
            push.send_multipart([b"a", b"b"])
            assert pull.recv_multipart() == [b"a", b"b"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [(["--frontend", TCP], "--backend ADDRESS"), (ends("-t", "ring")[1:], "--types takes")],
)
def test_a_proxy_that_makes_no_sense_is_refused(words: list[str], complaint: str) -> None:
    code, _, err = run("proxy", *words)
    assert code == 2
    assert complaint in err


def test_a_proxy_that_fails_says_why_and_ends(context: zmq.SyncContext) -> None:
    with (
        Started("proxy", "--types", "dealer:rep", *ends()[1:]) as proxy,
        context.socket(zmq.DEALER, connect=proxy.endpoint(), linger=0) as asking,
    ):
        asking.send(b"nobody has asked")
        code, out, err = proxy.end()
    assert (code, out) == (1, "")
    talk = [line for line in err.splitlines() if "is bound to" not in line]
    assert len(talk) == 1, err
    assert "Operation cannot be accomplished in current state" in talk[0]


def test_rate_prints_a_line_a_topic() -> None:
    with Started("rate", "-b", TCP, "-i", "200ms") as rate:
        words = ["pub", "-c", rate.endpoint(), "-n", "500", "news x", "sports yy"]
        assert run(*words, "-T", PATIENCE)[0] == 0
        rate.read_until(lambda printed: "\tnews\n" in printed and "\tsports\n" in printed)
        rate.interrupt()
        code, out, _ = rate.end()
    assert code == 130
    rows = [line.split("\t") for line in out.splitlines()]
    assert {row[3] for row in rows} == {"news", "sports", "(all)"}
    assert all(float(row[1]) > 0 and float(row[2]) > 0 for row in rows if row[3] != "(all)")


def test_rate_as_json_is_exact() -> None:
    def lines(printed: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in printed.splitlines(True) if line.endswith("\n")]

    with Started("rate", "-t", "pull", "-b", TCP, "-i", "100ms", "--json") as rate:
        words = ["push", "-c", rate.endpoint(), "-n", "300", "-p", "topic", "-p", "payload"]
        assert run(*words)[0] == 0
        rate.read_until(lambda seen: sum(line["messages"] for line in lines(seen)) >= 300)
        rate.interrupt()
        found = lines(rate.end()[1])
    assert sum(line["messages"] for line in found) == 300
    assert sum(line["bytes"] for line in found) == 300 * len("topicpayload")
    assert {topic for line in found for topic in line["topics"]} == {"topic"}


def test_rate_gives_up() -> None:
    code, _, err = run("rate", "-b", TCP, "-i", "10ms", "-T", "50ms")
    assert code == 124
    assert "no message within 50 ms" in err


def test_rate_ends_after_its_intervals() -> None:
    code, out, _ = run("rate", "-b", TCP, "-i", "10ms", "-n", "3")
    assert (code, out.count("(all)")) == (0, 3)


def test_bench_measures_and_draws(tmp_path: Path) -> None:
    picture = tmp_path / "bench.svg"
    words = ["bench", "--seconds", "20ms", "-s", "16", "-s", "64KiB", "--plot", str(picture)]
    code, out, err = run(*words)
    assert code == 0, err
    rows = [line.split() for line in out.splitlines()]
    assert rows[0][:4] == ["over", "size", "messages/s", "trip"]
    transports = ["inproc", "ipc", "tcp"] if zmq.has("ipc") else ["inproc", "tcp"]
    assert [row[0] for row in rows[1:]] == [name for name in transports for _ in range(2)]
    assert [line for line in err.splitlines() if line.startswith("[1/")] != []
    drawn = xml.dom.minidom.parse(str(picture))
    texts = [node.firstChild.data for node in drawn.getElementsByTagName("text")]  # type: ignore[union-attr]
    assert {"16 B", "64 KiB", *transports} <= set(texts)
    assert len(drawn.getElementsByTagName("polyline")) == 2 * len(transports)
    style = drawn.getElementsByTagName("style")[0].firstChild.data  # type: ignore[union-attr]
    light, media, dark = style.partition("@media (prefers-color-scheme: dark)")
    assert media
    for kind in (".card", ".grid", ".axis", "text", ".line0", ".dot0"):  # a colour for each
        assert all(f"{kind} {{" in part for part in (light, dark)), kind
    assert 'fill="#' not in picture.read_text()


@pytest.mark.parametrize("before", [None, "kept"])
def test_a_bench_that_fails_leaves_no_plot(tmp_path: Path, before: str | None) -> None:
    picture = tmp_path / "bench.svg"
    if before is not None:
        picture.write_text(before)
    with Started("bench", "-t", "inproc", "--seconds", "60", "--plot", str(picture)) as bench:
        bench.wait_for("[1/")
        bench.interrupt()
        assert bench.end()[0] == 130
    assert (picture.read_text() if picture.exists() else None) == before


def test_a_plot_of_one_figure_has_scales() -> None:
    from zmqlite.cli.bench.client import Figures
    from zmqlite.cli.bench.plot import svg

    drawn = svg([Figures("tcp", 16, 0.0, 0.0, [2e-5]), Figures("tcp", 64, 4e6, 1e8, [3e-5])])
    assert all(label in drawn for label in ("4.00 M", "20.0 us", "30.0 us"))
    numbers = [float(n) for n in re.findall(r'[xy][12]?="([-\d.]+)"', drawn)]
    assert min(numbers) >= 0


def test_bench_as_json_against_a_server() -> None:
    with Started("bench", "--serve", "-b", TCP) as server:
        words = ["bench", "-c", server.endpoint(), "-s", "100", "--seconds", "20ms", "--json"]
        for _ in range(2):  # it serves one client after the other
            code, out, err = run(*words)
            assert code == 0, err
            (figures,) = json.loads(out)["figures"]
            assert (figures["transport"], figures["size"]) == ("tcp", 100)
            assert figures["messages_per_second"] > 0
            trips = figures["round_trips"]
            assert 0 < trips["min"] <= trips["p50"] <= trips["max"]
        server.interrupt()
        assert server.end()[0] == 130


def test_a_bench_without_its_server_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is there, or another program."""
    assert client._CONNECTING >= 5000
    monkeypatch.setattr(client, "_CONNECTING", 100)
    code = main(["bench", "-c", "tcp://127.0.0.1:9", "-s", "16", "-q"])
    out, err = capsys.readouterr()
    assert (code, out) == (1, "")
    assert err == "zmqlite: no `zmqlite bench --serve` answers at tcp://127.0.0.1:9\n"
    for answer in (["--echo"], ["pong"], ["[1]"], ["{}"]):
        with Started("reply", "-b", TCP, *answer) as server:
            code, out, err = run("bench", "-c", server.endpoint(), "-s", "16", "-q")
        assert (code, out, err.count("\n")) == (1, "", 1), err
        assert "is no `zmqlite bench --serve`" in err


def test_a_bench_server_goes_on_after_nonsense() -> None:
    with Started("bench", "--serve", "-b", TCP) as server:
        nonsense = ["", "no JSON", "[]", "{}", '{"test": []}', "[" * 100_000]
        nonsense += ['{"test": "latency", "size": "big"}', '{"test": "latency", "size": 1}']
        words = ["request", "-c", server.endpoint(), "-T", PATIENCE]
        code, out, err = run(*words, *nonsense)
        assert (code, out.count('{"error": ')) == (0, len(nonsense)), err
        assert run("bench", "-c", server.endpoint(), "-s", "16", "--seconds", "10ms")[0] == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--serve"], "go together"),
        (["-c", "tcp://127.0.0.1:9", "-t", "ipc"], "do not reach"),
        (["-s", "big"], "is no size"),
    ],
)
def test_a_bench_that_makes_no_sense_is_refused(words: list[str], complaint: str) -> None:
    code, _, err = run("bench", *words)
    assert code == 2
    assert complaint in err


@needs_drafts
def test_monitor_tells_in_words(context: zmq.SyncContext) -> None:
    with Started("monitor", "-t", "pull", "-b", TCP, "-n", "4", "-T", PATIENCE) as monitor:
        with context.socket(zmq.PUSH, connect=monitor.endpoint(), linger=0) as push:
            push.wait_peers(1, timeout=MS)
        code, out, _ = monitor.end()
    assert code == 0
    lines = [line.split("  ") for line in out.splitlines()]
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", line[0]) for line in lines)
    said = [line[1].strip() for line in lines]
    assert said == ["listening", "accepted", "handshake done", "disconnected"]


@needs_drafts
def test_monitor_as_json_until_an_event(context: zmq.SyncContext) -> None:
    with context.socket(zmq.PUB) as publisher:
        words = ["monitor", "-c", publisher.bind(TCP), "--until", "handshake-succeeded", "--json"]
        code, out, _ = run(*words, "-T", PATIENCE)
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [e["event"] for e in events][-2:] == ["CONNECTED", "HANDSHAKE_SUCCEEDED"]


@needs_drafts
def test_monitor_gives_up() -> None:
    assert run("monitor", "-b", TCP, "-T", "100ms")[0] == 124
    code, _, err = run("monitor", "-b", TCP, "--until", "conected")
    assert (code, "did you mean connected?" in err) == (2, True)
