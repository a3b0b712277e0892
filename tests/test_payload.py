"""Text, JSON, pickles and formats of one's own, over every transport."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import connect_pair

import zmqlite as zmq

EVERY_BYTE = bytes(range(256))


class TestText:
    @pytest.mark.parametrize("text", ["", "hello", "grüß", "\u2713", "a\0b", "\U0001f600"])
    def test_round_trip(self, pair: Any, text: str) -> None:
        one, two = pair()
        one.send_string(text)
        assert two.recv_string() == text
        two.send_unicode(text)
        assert one.recv_unicode() == text

    def test_any_bytes_round_trip_as_text(self, pair: Any) -> None:
        one, two = pair()
        one.send(EVERY_BYTE)
        two.send_string(two.recv_string())
        assert one.recv() == EVERY_BYTE

    def test_encodings(self, context: Any) -> None:
        one, two = connect_pair(context)
        one.send_string("grüß", encoding="latin-1")
        assert two.recv() == "grüß".encode("latin-1")
        one.send_string("grüß", encoding="utf-16")
        assert two.recv_string(encoding="utf-16") == "grüß"

    def test_flags(self, context: Any) -> None:
        one, two = connect_pair(context)
        one.send_string("a", zmq.SNDMORE)
        one.send_string("b", flags=0, copy=False)
        assert two.recv_multipart() == [b"a", b"b"]
        with pytest.raises(zmq.Again):
            two.recv_string(zmq.NOBLOCK)

    @pytest.mark.parametrize("wrong", [b"bytes", 5, None])
    def test_refuses_all_but_str(self, context: Any, wrong: Any) -> None:
        one, _ = connect_pair(context)
        with pytest.raises(TypeError, match="use send"):
            one.send_string(wrong)

    def test_send_names_the_way_for_text(self, context: Any) -> None:
        one, _ = connect_pair(context)
        with pytest.raises(TypeError, match="send_string"):
            one.send("text")

    def test_strings(self, pair: Any) -> None:
        one, two = pair()
        one.send_strings(["a", "", "grüß"])
        assert two.recv_strings() == ["a", "", "grüß"]
        two.send_strings(word for word in ("x", "y"))
        assert one.recv_multipart() == [b"x", b"y"]

    def test_one_string_is_no_list_of_strings(self, context: Any) -> None:
        one, _ = connect_pair(context)
        with pytest.raises(TypeError, match="send_string"):
            one.send_strings("abc")


class TestObjects:
    @pytest.mark.parametrize("value", [None, 1.5, "ü", [1, {"a": [True]}]])
    def test_json(self, pair: Any, value: Any) -> None:
        one, two = pair()
        one.send_json(value)
        assert two.recv_json() == value

    def test_json_keywords_go_to_json(self, context: Any) -> None:
        one, two = connect_pair(context)
        one.send_json({"b": 1, "a": 2}, sort_keys=True, indent=1)
        assert two.recv() == json.dumps({"b": 1, "a": 2}, sort_keys=True, indent=1).encode()
        one.send_json(1.5)
        assert two.recv_json(parse_float=str) == "1.5"

    def test_what_is_no_json(self, context: Any) -> None:
        one, two = connect_pair(context)
        one.send(b"{")
        with pytest.raises(json.JSONDecodeError):
            two.recv_json()
        with pytest.raises(TypeError):
            one.send_json(object())

    def test_pyobj(self, pair: Any) -> None:
        one, two = pair()
        value = {"set": {1, 2}, "bytes": EVERY_BYTE, "big": "x" * 100_000}
        one.send_pyobj(value)
        assert two.recv_pyobj() == value
        one.send_pyobj(value, zmq.NOBLOCK, 2)
        assert two.recv_pyobj() == value

    @pytest.mark.parametrize("copy", [True, False])
    def test_serialized(self, context: Any, copy: bool) -> None:
        one, two = connect_pair(context)
        one.send_serialized((1, 2), lambda pair: [b"%d" % n for n in pair], copy=copy)
        received = two.recv_serialized(lambda parts: [int(bytes(p)) for p in parts], copy=copy)
        assert received == [1, 2]

    def test_groups_reach_send(self, context: Any) -> None:
        if not zmq.DRAFT_API:
            pytest.skip("no drafts")
        radio, dish = connect_pair(context, "inproc://groups", zmq.RADIO, zmq.DISH)
        dish.join("g")
        radio.send_json([1], group="g")
        assert dish.recv_json() == [1]
        radio.send_string("text", group="g")
        assert dish.recv_string() == "text"
        radio.send_pyobj((1,), group="g")
        assert dish.recv_pyobj() == (1,)


class TestEnvelope:
    @pytest.mark.parametrize(
        ("message", "expected"),
        [
            ([b"a", b"", b"body"], ([b"a", b""], [b"body"])),
            ([b"a", b"b", b"", b"1", b"", b"2"], ([b"a", b"b", b""], [b"1", b"", b"2"])),
            ([b"", b"body"], ([b""], [b"body"])),
            ([b"a", b""], ([b"a", b""], [])),
            ([b"a", b"b"], ([], [b"a", b"b"])),
        ],
    )
    def test_is_parted_at_the_first_empty_part(
        self, context: Any, message: list[bytes], expected: Any
    ) -> None:
        one, two = connect_pair(context)
        one.send_multipart(message)
        assert two.recv_envelope() == expected

    def test_answers_a_request(self, pair: Any) -> None:
        router, req = pair(zmq.ROUTER, zmq.REQ)
        req.send(b"question")
        envelope, body = router.recv_envelope()
        router.send_multipart([*envelope, *body, b"answer"])
        assert req.recv_multipart() == [b"question", b"answer"]
