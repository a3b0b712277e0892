"""Context: sockets and their options, defaults, other handles, and the end."""

from __future__ import annotations

import copy
import gc
import os
import re
import warnings
from typing import Any

import pytest
from support import in_thread, wait_inside, wait_until

import zmqlite as zmq
from zmqlite import _build


class TestSocket:
    @pytest.mark.parametrize("named", [zmq.PUSH, 8, "PUSH", "push"])
    def test_takes_a_type_by_number_or_name(self, context: Any, named: Any) -> None:
        assert context.socket(named).type is zmq.PUSH

    def test_unknown_type_name_suggests_the_nearest(self, context: Any) -> None:
        with pytest.raises(zmq.InvalidArgument, match="did you mean DEALER"):
            context.socket("DEALR")

    def test_unknown_type_number(self, context: Any) -> None:
        with pytest.raises(zmq.ZMQError) as caught:
            context.socket(99)
        assert caught.value.errno == zmq.EINVAL
        assert isinstance(caught.value, ValueError)

    def test_sets_options_before_it_binds_and_connects(self, context: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            socket = context.socket(
                zmq.DEALER, bind="tcp://127.0.0.1:*", connect=["inproc://a", "inproc://b"],
                backlog=7, LINGER=0, identity="me", hwm=5,
            )  # fmt: skip
        assert socket.backlog == 7
        assert socket.linger == 0
        assert socket.routing_id == b"me"
        assert (socket.sndhwm, socket.rcvhwm) == (5, 5)
        assert len(socket.endpoints) == 3

    @pytest.mark.parametrize("topics", ["a", b"a", ["a"], [b"a", "b"]])
    def test_subscribes_to_one_topic_or_several(self, context: Any, topics: Any) -> None:
        publisher = context.socket(zmq.XPUB, bind="inproc://topics", rcvtimeo=20_000)
        context.socket(zmq.SUB, subscribe=topics, connect="inproc://topics")
        expected = {b"\x01a"} if len(topics) == 1 else {b"\x01a", b"\x01b"}
        assert {publisher.recv() for _ in expected} == expected

    def test_refuses_unknown_options_with_the_nearest_name(self, context: Any) -> None:
        with pytest.raises(TypeError, match="'lingr' is no socket option; did you mean linger"):
            context.socket(zmq.REQ, lingr=0)
        with pytest.raises(TypeError, match="io_threads is a number of threads, not '2'"):
            zmq.Context("2")  # type: ignore[call-overload]
        with pytest.raises(TypeError, match=r"did you mean connect\?"):
            context.socket(zmq.REQ, conect="tcp://127.0.0.1:9")

    @pytest.mark.parametrize(
        "wrong", [{"lingr": 0}, {"linger": "x"}, {"connect": "tcp://nowhere"}, {"bind": 5}]
    )
    def test_leaves_no_socket_behind_when_it_fails(self, context: Any, wrong: Any) -> None:
        with pytest.raises((TypeError, ValueError)):
            context.socket(zmq.REQ, **wrong)
        assert context.sockets() == []

    def test_closed_context(self, make_context: Any) -> None:
        context = make_context()
        context.term()
        with pytest.raises(zmq.NotSupported) as caught:
            context.socket(zmq.REQ)
        assert caught.value.errno == zmq.ENOTSUP

    def test_copy_threshold_reaches_the_socket(self, context: Any) -> None:
        assert context.socket(zmq.PUSH, copy_threshold=5).copy_threshold == 5


class TestSocketClass:
    def test_custom_class_gets_the_names_it_takes_and_unknown_ones(self, context: Any) -> None:
        class Labelled(zmq.Socket[bytes]):
            _repr_cls = "Labelled"

            def __init__(self, *args: Any, label: str, linger: int = 1, **kwargs: Any) -> None:
                self._seen = (label, linger, kwargs.pop("other"))
                super().__init__(*args, **kwargs)

        socket = context.socket(zmq.PUSH, Labelled, label="x", linger=5, other=3, sndhwm=9)
        assert socket._seen == ("x", 5, 3)
        assert socket.linger == -1
        assert socket.sndhwm == 9
        assert "Labelled(zmq.PUSH)" in repr(socket)

    def test_class_of_a_subclass_is_used(self, make_context: Any) -> None:
        class Mine(zmq.Socket[bytes]):
            pass

        class Home(zmq.Context[Mine]):
            _socket_class = Mine

        with make_context(cls=Home).socket(zmq.PAIR) as socket:
            assert type(socket) is Mine

    def test_function_as_class(self, context: Any) -> None:
        def make(ctx: Any, kind: int) -> Any:
            return zmq.Socket(ctx, zmq.PAIR)

        assert context.socket(zmq.PUSH, make, linger=3).type == zmq.PAIR
        assert context.socket(zmq.PUSH, make).linger == -1


class TestFactory:
    def test_types_make_sockets_on_the_default_context(self, default_context: Any) -> None:
        with zmq.REQ(connect="inproc://somewhere", linger=0) as socket:
            assert socket.type is zmq.REQ
            assert socket.context is default_context
            assert socket.endpoints == ("inproc://somewhere",)

    def test_types_make_sockets_on_a_given_context(self, context: Any) -> None:
        assert zmq.SocketType.SUB(context=context, subscribe="").context is context

    def test_mistakes_are_refused_as_by_socket(self, context: Any) -> None:
        with pytest.raises(TypeError, match="did you mean linger"):
            zmq.PUSH(context=context, lnger=0)


class TestDefaults:
    def test_attributes_become_defaults_of_new_sockets(self, context: Any) -> None:
        before = context.socket(zmq.REQ)
        context.linger = 5
        context.SNDHWM = 6
        assert (context.LINGER, context.sndhwm) == (5, 6)
        assert context.sockopts == {zmq.LINGER: 5, zmq.SNDHWM: 6}
        after = context.socket(zmq.REQ)
        assert (after.linger, after.sndhwm) == (5, 6)
        assert before.linger == -1

    def test_keywords_beat_defaults(self, context: Any) -> None:
        context.linger = 5
        assert context.socket(zmq.REQ, linger=6).linger == 6

    def test_what_does_not_suit_a_type_is_skipped(self, context: Any) -> None:
        context.subscribe = b"topic"
        context.socket(zmq.REQ)
        context.socket(zmq.SUB)

    def test_setsockopt_and_getsockopt(self, context: Any) -> None:
        context.setsockopt(zmq.LINGER, 7)
        assert context.getsockopt(zmq.LINGER) == 7
        with pytest.raises(KeyError):
            context.getsockopt(zmq.SNDHWM)

    def test_hwm(self, context: Any) -> None:
        context.hwm = 3
        socket = context.socket(zmq.DEALER)
        assert (socket.sndhwm, socket.rcvhwm) == (3, 3)

    def test_deleting_forgets(self, context: Any) -> None:
        context.linger = 5
        del context.linger
        assert context.socket(zmq.REQ).linger == -1
        with pytest.raises(AttributeError):
            del context.linger
        with pytest.raises(AttributeError):
            del context.nonsense

    def test_unset_and_unknown_names(self, context: Any) -> None:
        with pytest.raises(AttributeError, match="no default was set"):
            _ = context.linger
        with pytest.raises(AttributeError, match="did you mean linger"):
            _ = context.lingr
        with pytest.raises(AttributeError, match="no such option: NONSENSE"):
            context.nonsense = 1
        assert not hasattr(context, "__wrapped__")


class TestOptions:
    @pytest.mark.parametrize("value", [10**20, -(10**20), 2**31, -1])
    @pytest.mark.parametrize("name", ["io_threads", "max_sockets", "max_msgsz"])
    def test_numbers_that_cannot_be(self, context: Any, name: str, value: int) -> None:
        """They are refused in the words of all options."""
        said = f"set {name.upper()} on Context: {value} is out of range; allowed: "
        with pytest.raises(zmq.InvalidArgument, match=re.escape(said)):
            setattr(context, name, value)
        with pytest.raises(zmq.InvalidArgument, match=re.escape(said)):
            context.set(getattr(zmq, name.upper()), value)
        if name == "io_threads":
            with pytest.raises(zmq.InvalidArgument, match=re.escape(said)):
                zmq.Context(value)

    @pytest.mark.parametrize("value", ["2", b"2", 2.5, None, [2]])
    def test_what_is_no_number(self, context: Any, value: Any) -> None:
        with pytest.raises(TypeError, match="MAX_SOCKETS takes an int, got "):
            context.max_sockets = value

    def test_attributes_in_any_case(self, context: Any) -> None:
        context.io_threads = 2
        assert context.IO_THREADS == context.Io_Threads == context.get(zmq.IO_THREADS) == 2
        context.Max_Sockets = 10
        assert context.max_sockets == 10

    def test_constructor(self, make_context: Any) -> None:
        context = make_context(3, max_sockets=20)
        assert (context.io_threads, context.max_sockets) == (3, 20)

    def test_write_only(self, context: Any) -> None:
        with pytest.raises(AttributeError, match="write-only"):
            _ = context.thread_affinity_cpu_add

    def test_text(self, context: Any) -> None:
        context.set(zmq.THREAD_NAME_PREFIX, 12)
        assert context.get(zmq.THREAD_NAME_PREFIX) == 12
        if zmq.DRAFT_API:
            context.thread_name_prefix = "abc"
            assert context.thread_name_prefix == b"abc"

    def test_wrong_values(self, context: Any) -> None:
        with pytest.raises(zmq.InvalidArgument):
            context.set(zmq.MAX_SOCKETS, -5)
        with pytest.raises(zmq.InvalidArgument):
            zmq.Context(-1)

    def test_closed(self, make_context: Any) -> None:
        context = make_context()
        context.term()
        with pytest.raises(RuntimeError, match="closed"):
            context.get(zmq.IO_THREADS)
        with pytest.raises(RuntimeError, match="closed"):
            context.max_sockets = 1

    def test_subclasses_keep_what_they_declare(self, make_context: Any) -> None:
        class Mine(zmq.Context[Any]):
            noted = None
            annotated: int

        context = make_context(cls=Mine)
        context.noted = 1
        context.annotated = 2
        context._private = 3
        assert (context.noted, context.annotated, context._private) == (1, 2, 3)
        assert context.sockopts == {}

    def test_dir(self, context: Any) -> None:
        assert {"IO_THREADS", "io_threads", "socket"} <= set(dir(context))


class TestInstance:
    def test_is_one_for_all_threads(self, default_context: Any) -> None:
        assert zmq.Context.instance() is default_context
        assert in_thread(zmq.Context.instance)() is default_context

    def test_is_made_anew_when_closed(self, default_context: Any) -> None:
        default_context.term()
        fresh = zmq.Context.instance()
        assert fresh is not default_context
        assert not fresh.closed
        fresh.term()

    def test_each_class_has_its_own(self, default_context: Any) -> None:
        class Mine(zmq.Context[Any]):
            pass

        mine = Mine.instance()
        assert type(mine) is Mine
        assert mine is not default_context
        mine.term()

    def test_one_that_was_asked_for_meanwhile_stays(self) -> None:
        """By __init__, or by a signal handler that comes in the middle."""

        class Mine(zmq.Context[Any]):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args)
                made.append(self)
                if len(made) == 1:
                    inner.append(Mine.instance())

        made: list[Any] = []
        inner: list[Any] = []
        found = Mine.instance()
        assert found is inner[0] is made[1] is Mine.instance()
        assert [one.closed for one in made] == [True, False]
        found.term()

    def test_that_of_another_process_is_never_found(self) -> None:
        """Each step of making one leaves what a thread may find that looks without the lock."""

        mixed: list[bool] = []
        inherited = zmq.Context()

        class Watched(type):
            def __setattr__(cls, name: str, value: Any) -> None:
                super().__setattr__(name, value)
                mixed.append(cls._instance_pid == os.getpid() and cls._instance is inherited)

        class Mine(zmq.Context[Any], metaclass=Watched):
            pass

        Mine._instance_pid, Mine._instance = -1, inherited
        with inherited, Mine.instance() as fresh:
            assert fresh is not inherited
        assert mixed
        assert not any(mixed)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_child_of_a_fork_gets_a_fresh_one(self, default_context: Any) -> None:
        inherited = default_context.socket(zmq.PAIR)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                fresh = zmq.Context.instance()
                with fresh.socket(zmq.PAIR) as socket:
                    socket.bind("inproc://child")
                status = 0 if fresh is not default_context else 2
                fresh.term()
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert not inherited.closed
        inherited.close()


class TestShadow:
    @pytest.mark.parametrize(
        "make",
        [
            lambda context: zmq.Context.shadow(context.underlying),
            lambda context: zmq.Context.shadow(context),
            lambda context: zmq.Context(context),
            lambda context: zmq.Context(shadow=context.underlying),
            copy.copy,
            copy.deepcopy,
        ],
    )
    def test_shares_the_context_and_does_not_end_it(self, context: Any, make: Any) -> None:
        other = make(context)
        assert other.underlying == context.underlying
        with other.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as two:
            one.bind("inproc://shared")
            two.connect("inproc://shared")
            one.send(b"x")
            assert two.recv() == b"x"
        other.term()
        assert other.closed
        assert not context.closed
        context.socket(zmq.PAIR).close()

    def test_copy_takes_the_defaults_along(self, context: Any) -> None:
        context.linger = 3
        with copy.copy(context).socket(zmq.PUSH) as socket:
            assert socket.linger == 3

    def test_keeps_its_owner_alive(self, make_context: Any) -> None:
        other = zmq.Context(make_context())
        gc.collect()
        other.socket(zmq.PAIR).close()
        other.term()

    def test_refuses_what_has_no_address(self, make_context: Any) -> None:
        closed = make_context()
        closed.term()
        with pytest.raises(ValueError, match="closed"):
            zmq.Context(closed)
        with pytest.raises(TypeError, match="address"):
            zmq.Context.shadow("nonsense")

    def test_refuses_addresses_of_what_is_no_context(self, make_context: Any) -> None:
        context = make_context()
        alone = not _build.LIBZMQ_SOURCE.startswith("system")  # else libzmq has to look there
        with context.socket(zmq.PAIR) as socket:
            for address in (socket.underlying, *(4096, 1) * alone):
                with pytest.raises(zmq.ZMQError, match=f"shadow on Context.*{address:#x}"):
                    zmq.Context.shadow(address)
        ended = context.underlying
        context.term()
        if alone:
            with pytest.raises(zmq.ZMQError, match=f"{ended:#x}.*`underlying`"):
                zmq.Context.shadow(ended)

    def test_cffi_pointer(self, context: Any) -> None:
        cffi = pytest.importorskip("cffi")
        pointer = cffi.FFI().cast("void *", context.underlying)
        assert zmq.Context.shadow(pointer).underlying == context.underlying


class TestEnd:
    @pytest.mark.parametrize("name", ["term", "terminate", "close"])
    def test_names(self, make_context: Any, name: str) -> None:
        context = make_context()
        getattr(context, name)()
        assert context.closed
        getattr(context, name)()

    def test_term_with_a_limit_names_what_is_open(self, context: Any) -> None:
        socket = context.socket(zmq.PULL)
        socket.bind("inproc://open")
        with pytest.raises(zmq.Again, match=r"PULL socket .*inproc://open"):
            context.term(timeout=0.05)
        socket.close()

    def test_with_destroys_and_warns_of_open_sockets(self) -> None:
        with pytest.warns(ResourceWarning, match="unclosed socket"), zmq.Context() as context:
            socket = context.socket(zmq.PUSH)
        assert socket.closed
        assert context.closed

    def test_with_is_silent_when_all_is_closed(self) -> None:
        with zmq.Context() as context:
            context.socket(zmq.PUSH).close()

    def test_with_is_silent_under_an_exception(self) -> None:
        context = zmq.Context()
        socket = context.socket(zmq.PUSH)
        with pytest.raises(KeyError), context:
            raise KeyError
        assert context.closed
        assert socket.closed

    def test_destroy_wakes_other_threads(self, context: Any) -> None:
        socket = context.socket(zmq.PULL)
        waiting = in_thread(socket.recv)
        wait_inside(socket)
        context.destroy(linger=0)
        with pytest.raises(zmq.ContextTerminated):
            waiting()
        assert context.closed

    def test_shutdown_ends_iteration(self, context: Any) -> None:
        socket = context.socket(zmq.PULL)
        socket.bind("inproc://loop")
        sender = context.socket(zmq.PUSH)
        sender.connect("inproc://loop")
        sender.send(b"last")
        seen: list[bytes] = []
        done = in_thread(lambda: seen.extend(socket))
        wait_until(lambda: seen == [b"last"] or not socket.readable, what="the message")
        context.shutdown()
        done()
        assert seen == [b"last"]

    def test_repr(self, make_context: Any) -> None:
        context = make_context()
        assert repr(context).startswith("<zmqlite.Context() at 0x")
        first = context.socket(zmq.PUSH)
        assert "(1 socket)" in repr(context)
        second = context.socket(zmq.PUSH)
        assert "(2 sockets)" in repr(context)
        first.close()
        second.close()
        context.term()
        assert repr(context).endswith(" closed>")
