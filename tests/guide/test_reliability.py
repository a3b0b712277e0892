"""The guide's Majordomo, Titanic and Binary Star."""

from __future__ import annotations

from guide_stage import Stage


def test_majordomo(stage: Stage) -> None:
    broker = stage.start("mdbroker")
    assert stage.start("mmiecho").ends() == "Lookup echo service: ['404']\n"
    worker = stage.start("mdworker")
    broker.says("workers: 1\nservice: echo: requests: 0 waiting: 1")
    assert stage.start("mmiecho").ends() == "Lookup echo service: ['200']\n"
    client = stage.start("mdclient2", "2000")
    assert client.ends() == "2000 requests/replies processed\n"
    worker.interrupt()
    broker.interrupt()


def test_majordomo_forgets_and_returns(stage: Stage) -> None:
    """A broker that starts anew knows nobody; the worker introduces itself again."""
    broker = stage.start("mdbroker")
    worker = stage.start("mdworker")
    broker.says("service: echo: requests: 0 waiting: 1")
    broker.interrupt()
    broker = stage.start("mdbroker")
    broker.says("service: echo: requests: 0 waiting: 1")
    assert stage.start("mdclient2", "10").ends() == "10 requests/replies processed\n"
    worker.interrupt()


def test_titanic(stage: Stage) -> None:
    broker = stage.start("mdbroker")
    stage.start("mdworker")
    titanic = stage.start("titanic")
    broker.says("workers: 4")
    client = stage.start("ticlient", "0.1")
    request = client.says(r"I: request UUID (\S+)")[0]
    client.says("Reply: Hello world")
    client.ends()
    titanic.says(f"I: processing request {request}")
    titanic.interrupt()
    assert [path.name for path in (stage.folder / ".titanic").iterdir()] == ["queue"]


def test_binary_star(stage: Stage) -> None:
    beat = ("--heartbeat", "400")
    backup = stage.start("bstarsrv", "-b", *beat)
    primary = stage.start("bstarsrv", "-p", *beat)
    primary.says("connected to backup .passive., ready active")
    backup.says("connected to primary .active., ready passive")

    client = stage.start("bstarcli", "400")
    assert client.says(r"server replied OK \((\d+)\)", times=2) == ["1", "2"]
    primary.interrupt()
    client.says("failing over")
    backup.says("failover successful, ready active")
    client.says("server replied OK")

    primary = stage.start("bstarsrv", "-p", *beat)
    primary.says("connected to backup .active., ready passive")
    for program in (client, primary, backup):
        program.interrupt()


def test_binary_star_without_a_role(stage: Stage) -> None:
    stage.start("bstarsrv").ends(code=2)
