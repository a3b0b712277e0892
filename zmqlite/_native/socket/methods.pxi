# Socket: the methods that move messages. What they do is in send.pxi, receive.pxi and batch.pxi.

cdef extern from "base/iteration.hpp" namespace "zmqlite":
    int iterate_natively(object type, object next_of_a_list) except -1


cdef class Socket(Handle):
    """Socket(context, socket_type, *, shadow=0, copy_threshold=None)

    A libzmq socket (zmq_socket). One thread at a time may use it; handing it from one thread to
    another is allowed. ``shadow`` is the address of a socket that others made and close.
    """

    def send(self, data, int flags=0, bint copy=True, bint track=False, routing_id=None, group=None):
        """Send one message part: any bytes-like object, or a Frame.

        Blocks until a peer can take it, for at most SNDTIMEO ms, unless ``flags`` has DONTWAIT; other
        threads run and signals are handled meanwhile. SNDMORE says that another part follows.
        ``copy=False`` lets libzmq read the memory of ``data`` itself from ``copy_threshold`` bytes on;
        with ``track=True`` the returned MessageTracker tells when it has finished. ``routing_id``
        (SERVER, PEER) and ``group`` (RADIO) address the message.

        Raises Again (nobody can take it now), StateError (out of turn), HostUnreachable, NotSupported,
        ContextTerminated, SocketClosed, ThreadMisuse; TypeError for str (zmq_msg_send).
        """
        if has_deferred_releases():
            run_deferred_releases()
        if (PyBytes_CheckExact(data) and copy and not track and routing_id is None and group is None
                and not self._special):
            guard_enter(self, "send")
            send_bytes(self, data, flags)
            guard_exit(self)
            return None
        return send_general(self, data, flags, copy, track, routing_id, group)

    def recv(self, int flags=0, bint copy=True, bint track=False):
        """Receive one message part as bytes, or as a Frame with ``copy=False``.

        Blocks until one is there, for at most RCVTIMEO ms, unless ``flags`` has DONTWAIT; other threads
        run and signals are handled meanwhile. ``more_parts`` tells whether another part follows.

        Raises Again (nothing there), StateError (out of turn), NotSupported, ContextTerminated,
        SocketClosed, ThreadMisuse (zmq_msg_recv).
        """
        if has_deferred_releases():
            run_deferred_releases()
        if copy:
            return recv_bytes(self, flags, "recv")
        return recv_frame(self, flags, track, "recv")

    def _receive(self, convert, int flags):
        """Receive one part and convert it: how all conversions of a part end."""
        return convert(self.recv(flags))

    def _receive_parts(self, convert, int flags, bint copy=True):
        """The same for all parts of a message."""
        return convert(self.recv_multipart(flags, copy))

    def recv_into(self, buffer, /, *, Py_ssize_t nbytes=0, int flags=0):
        """Receive one part into a writable buffer; return the part's full size in bytes.

        At most ``nbytes`` (0: the size of the buffer) are stored: a result above that says that the
        part was cut. Raises BufferError for a read-only buffer, ValueError if nbytes exceeds it; blocks
        and raises as recv().
        """
        return recv_to_buffer(self, buffer, nbytes, flags)

    def send_multipart(self, msg_parts, int flags=0, bint copy=True, bint track=False, *,
                       routing_id=None, group=None):
        """Send a sequence of parts as one message: all of it or nothing.

        Every part is checked before the first is sent. ``copy`` and ``track`` as in send(); the tracker
        covers all parts. Of a STREAM an id and an empty part end that connection, and do not wait for a
        peer that reads nothing: what it has not taken is dropped then. Raises as send(); IndexError for no parts.
        """
        cdef tuple parts = parts_of(msg_parts)
        if has_deferred_releases():
            run_deferred_releases()
        if self._type_number == ZMQ_STREAM and not track and not flags & ZMQ_SNDMORE and hang_up(self, parts):
            return None
        if copy and not track and routing_id is None and group is None and not self._special:
            for part in parts:
                if not PyBytes_CheckExact(part):
                    break
            else:
                return send_parts(self, parts, flags)
        return send_mixed_parts(self, parts, flags, copy, track, routing_id, group)

    def recv_multipart(self, int flags=0, bint copy=True, bint track=False):
        """Receive one whole message as a list of parts (bytes, or Frames with ``copy=False``).

        Blocks and raises as recv().
        """
        if has_deferred_releases():
            run_deferred_releases()
        if copy:
            return recv_parts(self, flags, "recv_multipart")
        return recv_frames(self, flags, track, "recv_multipart")

    def send_nonblock(self, data, int flags=0):
        """Send one part if a peer can take it now; return whether it was sent. Never blocks."""
        return send_if_taken(self, data, flags, "send_nonblock")

    # The same for event loops, under the names of the calls that fail when these do.

    def _try_recv(self, int flags=0):
        return recv_if_there(self, flags, "recv")

    def _try_recv_multipart(self, int flags=0, bint copy=True):
        return recv_parts_if_there(self, flags, copy, "recv_multipart")

    def _not_now(self, str operation, int limit):
        """Return the error of a send or receive that could not be done in ``limit`` ms; 0: at once."""
        cdef int peers = -1
        hint = ""
        if limit:
            hint = time_is_over(operation, limit)
            guard_enter(self, operation)
            peers = connected_peers(self.handle)
            guard_exit(self)
        return failure(EAGAIN, operation, subject_of(self), hint + why_not_now(self, operation, peers))

    def recv_nonblock(self, int flags=0):
        """Receive one part if one is there, else return None. Never blocks."""
        return recv_if_there(self, flags, "recv_nonblock")

    def recv_multipart_nonblock(self, int flags=0, bint copy=True):
        """Receive one whole message as a list of parts if one is there, else return None."""
        return recv_parts_if_there(self, flags, copy, "recv_multipart_nonblock")

    def send_many(self, messages, int flags=0):
        """Send every message of an iterable in one call; return how many were sent.

        A message is a bytes-like object or Frame, or a list or tuple of parts. With DONTWAIT it stops at
        the first message that no peer can take now and returns the number sent before. Those of a list or
        tuple are handed to libzmq up to 32 (or 64 KiB) at a time, which is fastest for bytes. Other threads
        get to run every few milliseconds, and signals are handled every one. An exception carries the number
        of messages sent before it in its attribute ``sent``. Raises as send().
        """
        return send_batch(self, messages, flags)

    def recv_many(self, max=1000, int flags=0, *, bint multipart=False):
        """Receive what is there, at most ``max`` messages, in one call; wait only for the first.

        Returns parts as bytes, in order, as that many calls of recv() would; the last message is always
        whole, so there may be more than ``max`` parts. It also ends after a millisecond or about a megabyte,
        so that large messages are handed over while they are fresh. With ``multipart=True`` each message is a list of
        its parts. Never empty: raises Again like recv() when nothing comes. Signals are handled before it returns; an
        exception, that of a handler too, carries the whole messages received until then in its attribute
        ``received``, a list as it would have been returned.
        """
        if type(max) is not int:
            max = whole_number(max, -0x7fffffff, 0x7fffffff, "recv_many() takes the most messages to receive as its max")
        return recv_batch(self, max, flags, multipart)

    def loan(self, size, int flags=0):
        """Lend a writable buffer of ``size`` bytes inside libzmq: ``with sock.loan(n) as view: ...``.

        Fill the memoryview in place; leaving the block sends it without a copy, leaving it by an
        exception sends nothing. Do not touch the memory after the block. Raises as send().
        """
        return Loan(self, whole_number(size, 0, 0x7fffffffffffffff, "loan() takes the size of a message in bytes"), flags)

    def __iter__(self):
        """Iterate over received parts, as recv() gives them, until the socket or the context closes."""
        return self

    def __next__(self):
        if self._state == CLOSED:
            raise StopIteration
        if has_deferred_releases():
            run_deferred_releases()
        return recv_bytes(self, 0, "iterate")

    def _poll_events(self, int events=1, timeout=-1):
        """Wait until one of ``events`` (POLLIN=1, POLLOUT=2) holds; return the mask of those that do.

        ``timeout`` in ms, -1 for ever; 0 when it is over (zmq_poll).
        """
        return poll_one(self, events, timeout)


cpdef object as_text(bytes part):
    """Return a part as text, which any bytes are."""
    if part is None:
        raise TypeError("a part is bytes, not None")
    return PyUnicode_DecodeUTF8(PyBytes_AS_STRING(part), PyBytes_GET_SIZE(part), "surrogateescape")


def as_texts(parts):
    """Return the parts of a message as texts."""
    return [as_text(part) for part in parts]


iterate_natively(Socket, type(iter([])).__next__)
