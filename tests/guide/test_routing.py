"""The guide's ROUTERs: identities, load balancing, and brokers that are each other's peers."""

from __future__ import annotations

import re

from guide_stage import Stage


def test_identities(stage: Stage) -> None:
    said = stage.start("identity").ends()
    assert re.search(r"\[005\] [0-9a-f]{10}\n\[027\] ROUTER makes up an identity\n", said)
    assert "[005] PEER2\n[036] ROUTER uses the identity of the peer\n" in said


def test_router_to_req(stage: Stage) -> None:
    said = stage.start("rtreq", "0.02").ends()
    counts = [int(n) for n in re.findall(r"Processed: (\d+) tasks", said)]
    assert len(counts) == 10
    assert sum(counts) == 100


def test_router_to_dealer(stage: Stage) -> None:
    said = stage.start("rtdealer").ends()
    counts = dict(re.findall(r"([AB]) received: (\d+)", said))
    assert set(counts) == {"A", "B"}
    assert sum(map(int, counts.values())) == 10


def test_load_balancing(stage: Stage) -> None:
    broker = stage.start("lbbroker")
    served = broker.says(r"CLIENT-(\d): OK from WORKER-\d", times=10)
    assert sorted(served) == list("0123456789")
    broker.interrupt()


def test_asynchronous_server(stage: Stage) -> None:
    server = stage.start("asyncsrv", "0.05")
    server.says(r"[0-9A-F]{4}-[0-9A-F]{4}: Req #\d+", times=30)
    assert len(set(re.findall(r"[0-9A-F]{4}-[0-9A-F]{4}(?=: Req)", server.said))) == 3
    server.interrupt()


def test_state_among_peers(stage: Stage) -> None:
    one = stage.start("peering1", "DC1", "DC2")
    two = stage.start("peering1", "DC2", "DC1")
    one.says(r"DC2 - \d workers free")
    two.says(r"DC1 - \d workers free")
    one.interrupt()
    two.interrupt()


def test_state_among_no_peers(stage: Stage) -> None:
    stage.start("peering1", "DC1").ends(code=1)


def test_requests_among_peers(stage: Stage) -> None:
    brokers = [stage.start("peering2", *names) for names in (("DC1", "DC2"), ("DC2", "DC1"))]
    for broker in brokers:
        broker.says("Press Enter")
    for broker in brokers:
        broker.enter()
    for broker in brokers:
        broker.says("Client: OK", times=20)
    for broker in brokers:
        assert "Worker: HELLO" in broker.interrupt()


def test_work_among_peers(stage: Stage) -> None:
    trio = (("DC1", "DC2", "DC3"), ("DC2", "DC1", "DC3"), ("DC3", "DC1", "DC2"))
    brokers = [stage.start("peering3", "--pace", "0.02", *names) for names in trio]
    for broker in brokers:
        broker.says(r"(?m)^[0-9A-F]{4}$", times=30)
    for broker in brokers:
        assert "lost task" not in broker.interrupt()
