# Many messages for a socket of an event loop: drawn and sent as far as it goes, a stretch at a time. It
# knows no loop. Messages of an iterable are drawn one by one, each when its turn comes.

cdef double STRETCH = 0.0005  # seconds; what is sent at a stretch, before others have their turn


class ForeignAgain(Exception):
    """An Again that the caller's own code raised: the loops take one for "not ready", unless it wears this."""

    def __init__(self, error):
        super().__init__(error)
        self.error = error


@cython.final
cdef class Batch:
    """Batch(socket, messages, flags): an attempt to send every message of an iterable.

    Called, it sends what peers take now. Returns the number of all once that is done, or with
    DONTWAIT as soon as none takes the next one; WOULD_BLOCK if that has to wait; YIELD after a stretch.
    ``sent`` counts. An exception, also one of the iterable, carries that number as ``sent``.
    ``refusal`` may be set to an Again that it raises (in its coat) in place of WOULD_BLOCK, ``most`` to how
    many messages it sends at a call.
    """

    cdef Handle _socket
    cdef object _messages    # a list or tuple of our own; None for what is drawn
    cdef object _source      # the iterator; None once it has ended
    cdef object _drawn       # the message that was drawn, and that nobody took yet
    cdef bint _holds
    cdef int _flags
    cdef double _moved       # when the last one was sent
    cdef readonly Py_ssize_t sent
    cdef public object refusal
    cdef public Py_ssize_t most
    cdef object _failure     # what the iterable raised when it was asked ahead
    cdef Once _once

    def __init__(self, Handle socket not None, messages, int flags=0):
        source = None
        if type(messages) is list:
            messages = (<list> messages)[:]  # its owner may change it while we wait
        elif type(messages) is not tuple:
            refuse_no_batch(messages)
            messages, source = None, iter(messages)
        if not once_claim(&self._once):
            raise RuntimeError("a batch is initialised once")
        self._socket = socket
        self._flags = flags
        self._moved = now()
        self._messages, self._source = messages, source

    @property
    def quiet(self):
        """Seconds since a message was sent, or since it began to wait for the first."""
        return now() - self._moved

    def __call__(self):
        cdef Handle socket = self._socket
        cdef Py_ssize_t before = self.sent
        if socket is None:
            return self.sent
        if has_deferred_releases():
            run_deferred_releases()
        try:
            end = self._send_listed(socket) if self._messages is not None else self._send_drawn(socket)
            if end is WOULD_BLOCK and self.refusal is not None:
                raise ForeignAgain(self.refusal)
        except BaseException as error:
            note_sent(error, self.sent)
            self.end()
            raise
        if self.sent > before:
            self._moved = now()
        if end is WOULD_BLOCK and self._flags & ZMQ_DONTWAIT:
            end = None
        if end is None:
            self.end()
            return self.sent
        return end

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        """An exception carries how many were sent, and an Again of the iterable sheds its coat."""
        if isinstance(error, ForeignAgain):
            raise error.error from None
        if error is not None:
            note_sent(error, self.sent)
        return False

    def end(self):
        """It goes no further: let go of what it needed."""
        self._socket = self._messages = self._source = self._drawn = self._failure = None
        self._holds = False

    def peek(self):
        """Return the next message, or None at the end; an error is raised when the batch comes to it."""
        if self._messages is not None:
            if self.sent < PySequence_Fast_GET_SIZE(self._messages):
                return <object> PySequence_Fast_GET_ITEM(self._messages, self.sent)
            return None
        if not self._holds and self._failure is None:
            try:
                self._draw()
            except BaseException as error:
                self._failure = error
        return self._drawn

    cdef bint _pauses(self, Py_ssize_t before, double last) noexcept:
        return now() >= last or (self.most and self.sent - before >= self.most)

    cdef object _send_listed(self, Handle socket):
        """Returns None when all are sent, WOULD_BLOCK or YIELD."""
        cdef double last = now() + STRETCH
        cdef Py_ssize_t before = self.sent
        cdef Py_ssize_t taken
        cdef int flags = self._flags | ZMQ_DONTWAIT
        messages = self._messages
        while self.sent < PySequence_Fast_GET_SIZE(messages):
            taken = 0 if self.most else send_chunk(socket, messages, self.sent, flags)
            if taken == 0:
                if not send_of_batch(socket, <object> PySequence_Fast_GET_ITEM(messages, self.sent), flags):
                    return WOULD_BLOCK
                taken = 1
            self.sent += taken
            if self._pauses(before, last):
                return YIELD
        return None

    cdef object _send_drawn(self, Handle socket):
        """The same."""
        cdef double last = now() + STRETCH
        cdef Py_ssize_t before = self.sent
        cdef int flags = self._flags | ZMQ_DONTWAIT
        while self._holds or self._draw():
            if not (quick_of_batch(socket, self._drawn, flags) or send_of_batch(socket, self._drawn, flags)):
                return WOULD_BLOCK
            self.sent += 1
            self._holds = False
            self._drawn = None
            if self._pauses(before, last):
                return YIELD
        return None

    cdef bint _draw(self) except -1:
        """Draw the next one; returns False at the end."""
        source = self._source
        if self._failure is not None:
            raise self._failure
        if source is None:
            return False
        try:
            self._drawn = next(source)
        except StopIteration:
            return False
        except Again as error:
            note_sent(error, self.sent)
            raise ForeignAgain(error)
        self._holds = self._source is not None  # unless the iterable itself has ended it
        return self._holds


cdef int note_sent(object error, Py_ssize_t sent) except -1:
    try:
        error.sent = sent
    except AttributeError:  # an exception of the iterable with slots
        pass
    return 0
