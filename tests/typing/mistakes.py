"""Mistakes that mypy and pyright must find, one on each line marked WRONG. Never run."""

from __future__ import annotations

import zmqlite as zmq

context = zmq.Context()
socket = context.socket(zmq.REQ)

socket.send("text")  # WRONG: send_string is for text
socket.send_multipart(["text"])  # WRONG
socket.send_string(b"bytes")  # WRONG
socket.linger = "0"  # WRONG
socket.lingr = 0  # WRONG: no such option
socket.recv(copy=False).decode()  # WRONG: that is a Frame
socket.poll("1")  # WRONG
number: int = socket.recv_string()  # WRONG
kind = zmq.PUHS  # WRONG: no such constant
zmq.Context(io_thread=2)  # WRONG
zmq.REQ(lingr=0)  # WRONG: no such option
zmq.REQ(linger="0")  # WRONG
zmq.SUB(subscribe=1)  # WRONG
zmq.REQ(connect=5555)  # WRONG
zmq.REQ("tcp://127.0.0.1:5555")  # WRONG: connect= or bind=
zmq.REQ(rcvmore=1)  # WRONG: to read only
zmq.PUSH(context=context, sndhmw=1)  # WRONG
zmq.PUSH().rcvmore = 1  # WRONG: to read only
