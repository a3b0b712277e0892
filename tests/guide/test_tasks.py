"""The guide's task distribution, and the programs that read from two sockets."""

from __future__ import annotations

import re

import pytest
from guide_stage import Stage

WORKERS = 4


@pytest.mark.parametrize(
    ("worker", "sink"), [("taskwork", "tasksink"), ("taskwork2", "tasksink2")]
)
def test_tasks(stage: Stage, worker: str, sink: str) -> None:
    collector = stage.start(sink)
    ventilator = stage.start("taskvent")
    ventilator.says("Press enter when the workers are ready...")
    crew = [stage.start(worker) for _ in range(WORKERS)]
    ventilator.has_peers(5557, WORKERS)
    if sink == "tasksink2":
        collector.has_peers(5559, WORKERS)
    ventilator.enter()

    cost = int(ventilator.says(r"Total expected cost: (\d+) msec")[0])
    ventilator.ends()
    collector.says(r":(\.{9}:){9}\.{9}")
    elapsed = int(collector.says(r"Total elapsed time: (\d+) msec")[0])
    assert 0.8 * cost / WORKERS <= elapsed < 2 * cost  # the collector may have begun late
    collector.ends()

    done = []
    for program in crew:
        program.ends() if sink == "tasksink2" else program.interrupt()
        done += re.findall(r"\d+(?=\.)", program.said)
    done.remove("0")
    dealt = re.search(r"workers...\n((?:\d+\.)+)", ventilator.said)
    assert dealt
    assert sorted(done) == sorted(dealt[1].split(".")[:-1])
    assert sum(map(int, done)) == cost


@pytest.mark.parametrize(("reader", "label"), [("msreader", "receiver"), ("mspoller", "task")])
def test_two_sources(stage: Stage, reader: str, label: str) -> None:
    stage.start("wuserver", "10001", mute=True)
    ventilator = stage.start("taskvent")
    program = stage.start(reader)
    program.says(r"weather: 10001 -?\d+ \d+")
    ventilator.has_peers(5557, 1)
    ventilator.enter()
    assert program.says(rf"{label}: (\d+)\n", times=101)[0] == "0"
    ventilator.ends()
    program.says("weather: 10001")
    program.interrupt()
