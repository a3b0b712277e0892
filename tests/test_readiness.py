"""The rules of FD and EVENTS: the state machine alone, then against a model of libzmq."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

import zmqlite as zmq
from zmqlite._loops.binding import TaskBinding
from zmqlite._loops.operations import IN, OUT, WOULD_BLOCK
from zmqlite._native import core
from zmqlite._native.core import Readiness

BOTH = IN | OUT


def test_nobody_waits_nothing_is_due() -> None:
    readiness = Readiness()
    assert readiness.wanted == 0
    assert not readiness.used()
    assert not readiness.due
    assert readiness.look(BOTH) == 0


def test_who_begins_to_wait_has_events_read_once() -> None:
    readiness = Readiness()
    assert readiness.begin(IN)
    assert readiness.due
    assert not readiness.begin(OUT), "one look at a time"
    assert not readiness.used()
    assert readiness.wanted == BOTH
    assert readiness.look(IN) == IN
    assert not readiness.due


def test_only_wanted_directions_are_woken() -> None:
    readiness = Readiness()
    readiness.begin(OUT)
    assert readiness.look(IN) == 0
    assert readiness.look(BOTH) == OUT
    readiness.begin(IN)
    assert readiness.look(BOTH) == BOTH


def test_waiters_are_counted() -> None:
    readiness = Readiness()
    readiness.begin(IN)
    readiness.begin(BOTH)
    readiness.look(0)
    assert readiness.end(IN), "the other one has to hear of it"
    assert readiness.wanted == BOTH
    readiness.look(0)
    assert not readiness.end(BOTH), "nobody is left"
    assert readiness.wanted == 0


def test_every_use_wants_a_look_while_somebody_waits() -> None:
    readiness = Readiness()
    readiness.begin(IN)
    readiness.look(0)
    for _ in range(3):
        assert readiness.used()
        assert not readiness.used(), "the look that is due will see it"
        readiness.look(0)


def test_a_look_that_will_not_come_is_forgotten() -> None:
    readiness = Readiness()
    readiness.begin(IN)
    readiness.forget()
    assert not readiness.due
    assert readiness.used()


# -- against a model ------------------------------------------------------------------------------


class Model:
    """A socket as libzmq makes them: news lie in a mailbox until any call on the socket takes
    them."""

    def __init__(self) -> None:
        self.news = {IN: 0, OUT: 0}
        self.now = {IN: 0, OUT: 0}

    @property
    def speaks(self) -> bool:
        return any(self.news.values())

    def events(self) -> int:
        for mask, count in self.news.items():
            self.now[mask] += count
            self.news[mask] = 0
        return sum(mask for mask, count in self.now.items() if count)

    def take(self, mask: int) -> bool:
        if self.events() & mask:
            self.now[mask] -= 1
            return True
        return False


class Loop:
    """An event loop in small: waiters in lines, a descriptor, and looks that are done soon."""

    def __init__(self, readiness: Readiness, rng: random.Random) -> None:
        self.model = Model()
        self.readiness = readiness
        self.rng = rng
        self.soon = False
        self.lines: dict[int, list[bool]] = {IN: [], OUT: []}  # of each waiter: is he awake?

    def arrange(self, wanted: bool) -> None:
        self.soon = self.soon or wanted

    def look(self) -> None:
        self.soon = False
        wake = self.readiness.look(self.model.events())
        for mask, line in self.lines.items():
            if line and wake & mask:
                line[0] = True

    # What may happen, in any order.

    def news(self) -> None:
        self.model.news[self.rng.choice((IN, OUT))] += self.rng.randint(1, 3)

    def use(self) -> None:
        """A call that does not wait, and has nothing to do with those who do."""
        if self.rng.random() < 0.3:
            self.model.events()
        else:
            self.model.take(self.rng.choice((IN, OUT)))
        self.arrange(self.readiness.used())

    def wait(self) -> None:
        mask = self.rng.choice((IN, OUT))
        if not self.lines[mask]:
            done = self.model.take(mask)
            self.arrange(self.readiness.used())
            if done:
                return
        self.lines[mask].append(False)
        self.arrange(self.readiness.begin(mask))

    def cancel(self) -> None:
        mask = self.rng.choice((IN, OUT))
        if self.lines[mask]:
            del self.lines[mask][self.rng.randrange(len(self.lines[mask]))]
            self.arrange(self.readiness.end(mask))

    def step(self) -> None:
        """A waiter that was woken does his work."""
        for mask, line in self.lines.items():
            if line and line[0]:
                if self.model.take(mask):
                    del line[0]
                    self.arrange(self.readiness.end(mask))
                else:
                    line[0] = False
                    self.arrange(self.readiness.used())
                return

    def turn(self) -> None:
        if self.soon or self.model.speaks:
            self.look()

    def settle(self) -> None:
        """Let the loop run until it would sleep."""
        while self.soon or self.model.speaks or any(True in line for line in self.lines.values()):
            self.turn()
            self.step()

    def stalled(self) -> bool:
        """Whether someone sleeps although the socket is ready for him."""
        return any(line and self.model.now[mask] for mask, line in self.lines.items())


def play(readiness: Readiness, seed: int, steps: int = 60) -> bool:
    """Play one random game; return whether anybody was left asleep at a rest."""
    rng = random.Random(seed)
    loop = Loop(readiness, rng)
    actions = [loop.news, loop.use, loop.wait, loop.wait, loop.cancel, loop.step, loop.turn]
    for _ in range(steps):
        rng.choice(actions)()
        if rng.random() < 0.1:
            loop.settle()
            if loop.stalled():
                return True
    loop.settle()
    return loop.stalled()


def test_nobody_is_left_asleep() -> None:
    stalled = [seed for seed in range(3000) if play(Readiness(), seed)]
    assert stalled == []


class ForgetsUse(Readiness):
    """Breaks rule 2."""

    def used(self) -> bool:
        return False


class ForgetsEnd(Readiness):
    """Breaks rule 3: who leaves without having used what woke him tells nobody."""

    def end(self, mask: int) -> bool:
        super().end(mask)
        self.forget()
        return False


class LosesDue(Readiness):
    """Breaks rule 4: a look that is due is taken for done."""

    def _arrange(self) -> bool:
        first = super()._arrange()
        self._due = True
        return first

    def look(self, events: int) -> int:
        wake = super().look(events)
        self._due = bool(self.wanted)
        return wake


@pytest.mark.parametrize("broken", [ForgetsUse, ForgetsEnd, LosesDue])
def test_the_model_notices_a_broken_rule(broken: type[Readiness]) -> None:
    assert any(play(broken(), seed) for seed in range(300))


# -- the queues of suspended tasks ----------------------------------------------------------------


class Events:
    """EVENTS that say what the test wants."""

    def __init__(self) -> None:
        self.value = 0

    def events(self) -> int:
        return self.value


class Task(core.TaskWaiter):
    def __init__(self, binding: Quiet, queue: core.WaitQueue, operation: Any, events: int) -> None:
        super().__init__(queue, operation, events)
        self.binding = binding

    def wake(self, at_once: bool) -> int:
        self.binding.woken.append(self)
        return 0


class Quiet(TaskBinding):
    """What waits on a socket whose EVENTS say what the test wants, without a loop."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        super().__init__(socket, None, core.FairnessBudget(print))
        self.signal = self.told = Events()
        self.woken: list[Task] = []
        self.later = 0

    def dispatch_later(self) -> None:
        self.later += 1

    def release(self) -> None:
        """There is no descriptor."""

    def put(self, queue: core.WaitQueue, events: int = 0, operation: Any = None) -> Task:
        waiter = Task(self, queue, operation or refuse, events)
        waiter.begin_wait(tried=True)
        return waiter


def refuse() -> object:
    return WOULD_BLOCK


@pytest.fixture
def binding(
    context: zmq.Context[zmq.Socket[bytes]], request: pytest.FixtureRequest
) -> Iterator[Quiet]:
    socket = context.socket(getattr(request, "param", zmq.PAIR))
    yield Quiet(socket)
    socket.close()


def test_only_the_first_of_a_queue_is_called(binding: Quiet) -> None:
    first, second = (binding.put(binding.receivers) for _ in range(2))
    binding.told.value = BOTH
    binding.dispatch()
    binding.dispatch()
    assert binding.woken == [first], "and only once"
    first.end_wait()
    assert binding.woken == [first, second]


def test_all_that_poll_are_called(binding: Quiet) -> None:
    readers = [binding.put(binding.pollers, IN) for _ in range(3)]
    binding.put(binding.pollers, OUT)
    binding.told.value = IN
    binding.dispatch()
    assert binding.woken == readers


def test_a_refusal_looks_for_the_others_and_tries_again(binding: Quiet) -> None:
    reader = binding.put(binding.receivers)
    binding.told.value = BOTH
    answers = iter([WOULD_BLOCK, "done"])
    newcomer = Task(binding, binding.senders, lambda: next(answers), 0)
    assert newcomer.first_try() == "done"
    assert binding.woken == [reader]


def test_a_socket_that_claims_to_be_writable_does_not_spin(binding: Quiet) -> None:
    """A sender that is refused although EVENTS promised room tries once more, and later again."""
    binding.told.value = OUT
    sender = binding.put(binding.senders)
    assert sender.next_try() is WOULD_BLOCK
    assert binding.woken == []
    assert binding.later == 1


def test_the_end_calls_everything_out_of_turn(binding: Quiet) -> None:
    ends = ValueError("closed")

    def end() -> object:
        raise ends

    queues = (binding.receivers, binding.receivers, binding.pollers)
    waiters = [binding.put(queue, IN, end) for queue in queues]
    binding.end_all()
    assert binding.woken == waiters
    for waiter in reversed(waiters):
        with pytest.raises(ValueError, match="closed"):
            waiter.next_try()
