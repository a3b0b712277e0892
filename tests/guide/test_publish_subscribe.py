"""The guide's publishers and subscribers."""

from __future__ import annotations

import sys

from guide_stage import Stage


def test_weather(stage: Stage) -> None:
    stage.start("wuserver", "10001", "20002", mute=True)
    client = stage.start("wuclient", "10001 ", "50")
    found = client.says(r"Average temperature for zipcode '10001 ' was (-?\d+)F")
    assert -80 <= int(found[0]) <= 135
    client.ends()


def test_weather_as_it_is(stage: Stage) -> None:
    server = stage.start("wuserver")
    assert {len(line.split()) for line in server.says(r"\d{5} -?\d+ \d+\n", times=100)} == {3}
    server.interrupt()


def test_weather_through_a_proxy(stage: Stage) -> None:
    stage.start("wuserver", "10001", mute=True)
    proxy = stage.start("wuproxy")
    listen = (
        "import zmqlite as zmq\n"
        "with zmq.SUB(connect='tcp://localhost:8100', subscribe='10001') as client:\n"
        "    print(client.recv_string())\n"
    )
    stage.run(sys.executable, "-c", listen).says(r"10001 -?\d+ \d+")
    proxy.interrupt()


def test_envelopes(stage: Stage) -> None:
    publisher = stage.start("psenvpub")
    subscriber = stage.start("psenvsub")
    subscriber.says(r"\[B\] We would like to see this.", times=2)
    assert "[A]" not in subscriber.interrupt()
    publisher.interrupt()


def test_synchronized(stage: Stage) -> None:
    publisher = stage.start("syncpub", "20000")
    subscribers = [stage.start("syncsub") for _ in range(10)]
    for subscriber in subscribers:
        assert subscriber.ends() == "Received 20000 updates\n"
    assert publisher.ends() == "Waiting for subscribers\n"


def test_pathological(stage: Stage) -> None:
    subscriber = stage.start("pathosub", "tcp://localhost:5556", "000")
    subscriber.says("Waiting for 000")
    publisher = stage.start("pathopub", "tcp://*:5556", "1")
    subscriber.says("000: Save Roger")
    subscriber.says("000: Off with his head!")
    subscriber.interrupt()
    publisher.interrupt()


def test_last_value_cache(stage: Stage) -> None:
    cache = stage.start("lvcache")
    first = stage.start("pathosub", "tcp://localhost:5558", "999")
    first.says("Waiting for 999")
    publisher = stage.start("pathopub", "tcp://*:5557")
    first.says("999: Save Roger")  # the last topic: the cache has all of them
    for _ in range(2):
        late = stage.start("pathosub", "tcp://localhost:5558", "003")
        late.says("003: (Save Roger|Off with his head!)")
        cache.says("Sending cached topic 003")
        late.interrupt()
    for program in (first, publisher, cache):
        program.interrupt()
