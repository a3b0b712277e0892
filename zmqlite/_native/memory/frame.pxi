# Frame: a message part that keeps libzmq's own memory, with the buffer protocol on top.

cdef Py_ssize_t COPY_THRESHOLD = 65536
cdef list threshold_homes = []
cdef str frame_name = "zmqlite.Frame"


def follow_threshold(dict names not None):
    """Take the default of ``copy_threshold`` from COPY_THRESHOLD among these names of a module, to
    which a program may assign. Where several modules have it, the one that was assigned to counts.
    """
    threshold_homes.append(names)


def call_frames(str name not None):
    """Have frames call themselves by this name, under which the program knows them."""
    global frame_name
    frame_name = name


cdef Py_ssize_t threshold_or_default(object copy_threshold) except? -1:
    if copy_threshold is not None:
        return copy_threshold
    for names in threshold_homes:
        value = (<dict> names).get("COPY_THRESHOLD")
        if value is not None and value != COPY_THRESHOLD:
            return value
    return COPY_THRESHOLD


cdef str no_buffer(object data, str operation):
    if isinstance(data, str):
        return (f"{operation}() takes bytes-like objects, not str (unicode): "
                f"{'use send_string(), or ' if operation.startswith('send') else ''}encode the text yourself")
    text = f"{operation}() takes bytes-like objects or frames, not {type(data).__name__!r}"
    return f"{text}: {instead_of(data)}" if operation.startswith("send") else text


cdef str instead_of(object data):
    """How to send what is no body of a message."""
    if data is None:
        return 'an empty message is b""'
    if isinstance(data, (int, float)):
        return "send_string(str(n)) sends it as text, send_json() as JSON"
    if isinstance(data, str):
        return "send_string() sends a text"
    if isinstance(data, dict):
        return "send_json() sends it as JSON, send_pyobj() as a pickle"
    if isinstance(data, (list, tuple)):
        return "send_multipart() sends a list of parts as one message, send_many() a message for each, " \
               "send_json() all of it as JSON"
    if hasattr(data, "__await__"):
        return "await it first"
    if hasattr(data, "__next__"):
        return "send_many() sends a message for each item"
    return "send_pyobj() sends any object as a pickle, to peers that trust this one"


cdef bytes group_name(object value):
    cdef bytes name
    if isinstance(value, str):
        name = (<str> value).encode("utf-8", "surrogateescape")
    elif isinstance(value, bytes):
        name = value
    else:
        raise TypeError(f"a group must be str or bytes, not {type(value).__name__!r}")
    if b"\0" in name:
        raise ValueError(f"a group has no NUL in its name: {value!r}")
    if len(name) > 255:  # libzmq would cut it here and there
        raise failure(EINVAL, "group", "", f"a group has at most 255 bytes, not {len(name)}")
    return name


cdef int give_group(zmq_msg_t *msg, bytes name) except -1:
    # libzmq writes a short name over its pointer to a long one, and follows that afterwards.
    if strlen(zmq_msg_group(msg)) > 14:
        fail(EINVAL, "group", "", "this message has a group of more than 14 bytes, which libzmq cannot "
             "change: make a new one of its bytes")
    if zmq_msg_set_group(msg, name) != 0:
        fail(libzmq_errno(), "group", "")
    return 0


cdef inline void copy_body(void *target, const void *source, Py_ssize_t size):
    """A large copy lets others have the GIL."""
    if size >= BIG_COPY:
        with nogil:
            memcpy(target, source, size)
    else:
        memcpy(target, source, size)


cdef object bytes_of(zmq_msg_t *msg):
    """The body of a received message as bytes; the very object that was sent, when it was lent by
    this process."""
    cdef Py_ssize_t size = <Py_ssize_t> zmq_msg_size(msg)
    cdef void *data = zmq_msg_data(msg)
    cdef PyObject *found
    if size >= ZERO_COPY_MIN_INPROC:
        found = leased_object(msg, size)
        if found != NULL:
            return own(found)
        if size >= ZERO_COPY_MIN:
            result = new_body(size)
            copy_body(PyBytes_AS_STRING(result), data, size)
            return result
    return PyBytes_FromStringAndSize(<char *> data, size)


cdef inline object own(PyObject *new):
    """A new reference of C as an object."""
    result = <object> new
    Py_DECREF(result)
    return result


cdef int fail_message(zmq_msg_t *msg, str operation) except -1:
    """A message could not be made: leave an empty one, which may be closed."""
    cdef int error = libzmq_errno()
    zmq_msg_init(msg)
    return fail(error, operation, "", "there is no memory for the message" if error == ENOMEM else "")


cdef int zero_copy_buffer(zmq_msg_t *msg, object data, MessageTracker tracker) except -1:
    """Make `msg` a message over the memory of `data`, which stays exported until libzmq is done."""
    cdef Py_buffer view
    cdef PyObject *watcher = <PyObject *> tracker if tracker is not None else NULL
    if PyBytes_CheckExact(data):
        return zero_copy_bytes(msg, data, watcher)
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    if tracker is not None:
        tracker._pending += 1
    if not zero_copy_view(msg, &view, watcher):
        return fail_message(msg, "send")
    return 0


cdef int zero_copy_bytes(zmq_msg_t *msg, object data, PyObject *tracker) except -1:
    if tracker != NULL:
        (<MessageTracker> tracker)._pending += 1
    if not zero_copy_object(msg, <PyObject *> data, tracker):
        return fail_message(msg, "send")
    return 0


cdef int copy_buffer(zmq_msg_t *msg, object data) except -1:
    """Make `msg` a message with a copy of the bytes of `data`."""
    cdef Py_buffer view
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        if init_room(msg, view.len) != 0:
            return fail_message(msg, "send")
        copy_body(zmq_msg_data(msg), view.buf, view.len)
    finally:
        PyBuffer_Release(&view)  # only now: until here nobody could resize the memory
    return 0


cdef int copy_msg(zmq_msg_t *target, Frame source, str operation) except -1:
    """Make `target` (initialised) another message over the memory of a frame."""
    cdef int rc
    with cython.critical_section(source):  # the first copy changes the source: it counts itself as shared
        rc = zmq_msg_copy(target, &source.msg)
    if rc != 0:
        return fail(libzmq_errno(), operation, "Frame")
    return 0


cdef class Frame:
    """Frame(data=None, track=False, copy=None, copy_threshold=None)

    One message part. Its memory belongs to libzmq and is read through the buffer protocol.

    ``data`` is any bytes-like object. With ``copy=False`` libzmq reads the memory of ``data`` itself,
    which stays exported (a bytearray refuses to be resized) until libzmq lets go; ``copy=None`` does so
    from ``copy_threshold`` bytes on (COPY_THRESHOLD, 64 KiB). ``track=True`` gives the frame a MessageTracker.

    The buffer of a received frame is writable while no one else shares its memory.
    """

    def __cinit__(self):
        zmq_msg_init(&self.msg)
        self._readonly = True

    def __init__(self, data=None, bint track=False, copy=None, copy_threshold=None):
        cdef zmq_msg_t fresh  # filled first, for that may run code of the caller's, or let others run
        cdef MessageTracker tracker = MessageTracker() if track else None
        cdef bytes body = None
        cdef bint readonly = True
        if zmq_msg_size(&self.msg):
            raise RuntimeError("a frame is initialised once")
        if isinstance(data, Frame):
            tracker = (<Frame> data).tracker
            zmq_msg_init(&fresh)
            copy_msg(&fresh, data, "Frame")
        elif data is None:
            zmq_msg_init(&fresh)
        elif not PyObject_CheckBuffer(data):
            raise TypeError(no_buffer(data, "Frame"))
        elif copy if copy is not None else memoryview(data).nbytes < threshold_or_default(copy_threshold):
            readonly = False
            copy_buffer(&fresh, data)
        else:
            drain()
            zero_copy_buffer(&fresh, data, tracker)
            body = data if PyBytes_CheckExact(data) else None  # no need to make them again
        if not self._take(&fresh, readonly):
            raise RuntimeError("a frame is initialised once")
        with cython.critical_section(self):
            self.tracker = tracker
            self._bytes = body

    cdef bint _take(self, zmq_msg_t *fresh, bint readonly) noexcept:
        """Become this message, unless there is one already, which may be in use. It is closed, either way."""
        cdef bint empty
        with cython.critical_section(self):
            empty = zmq_msg_size(&self.msg) == 0
            if empty:
                zmq_msg_move(&self.msg, fresh)
                self._readonly = readonly
                self._bytes = None  # what an empty frame has shown
                self._view = None
        close_here(fresh)
        return empty

    def __dealloc__(self):
        close_here(&self.msg)

    def __getbuffer__(self, Py_buffer *view, int flags):
        with cython.critical_section(self):
            PyBuffer_FillInfo(view, self, zmq_msg_data(&self.msg), zmq_msg_size(&self.msg),
                              self._is_readonly(), flags)

    cdef bint _is_readonly(self) noexcept:
        """Whether others may read this memory: a sender that lent it, or another copy."""
        return self._readonly or zmq_msg_get(&self.msg, ZMQ_SHARED) == 1  # as is what was lent

    @property
    def buffer(self):
        """The body as a memoryview, without a copy. It keeps the frame alive.

        The same one as long as it is in use and not released.
        """
        view = None if self._view is None else self._view()
        if view is not None:
            try:
                view.ndim
                return view
            except ValueError:
                pass
        view = PyMemoryView_FromObject(self)
        self._view = PyWeakref_NewRef(view, None)
        return view

    @property
    def bytes(self):
        """The body as bytes; copied at the first use, then kept."""
        with cython.critical_section(self):
            if self._bytes is None:
                self._bytes = bytes_of(&self.msg)
            return self._bytes

    @property
    def tracker_event(self):
        """The tracker, under the name that pyzmq gives it."""
        return self.tracker

    @property
    def group(self):
        """The RADIO/DISH group of this message (zmq_msg_group, draft)."""
        return zmq_msg_group(&self.msg).decode("utf-8", "surrogateescape")

    @group.setter
    def group(self, value):
        give_group(&self.msg, group_name(value))

    @property
    def routing_id(self):
        """The routing id of a SERVER's or PEER's peer (zmq_msg_routing_id, draft); 0 for none."""
        return zmq_msg_routing_id(&self.msg)

    @routing_id.setter
    def routing_id(self, uint32_t value):
        if zmq_msg_set_routing_id(&self.msg, value) != 0:
            fail(libzmq_errno(), "set routing_id", "Frame", "a routing id is a number above 0")

    def get(self, option):
        """Return a property: a number for zmq.MORE, SRCFD, SHARED (zmq_msg_get), text for a name such
        as "User-Id" or "Peer-Address" (zmq_msg_gets). Raises ZMQError(EINVAL) when it has none.
        """
        cdef const char *text
        cdef int value
        cdef bytes name
        if isinstance(option, str):
            if option == "routing_id":
                return self.routing_id
            if option == "group":
                return self.group
            name = (<str> option).encode("utf-8")
            text = zmq_msg_gets(&self.msg, name)
            if text == NULL:
                fail(libzmq_errno(), "get", "Frame", f"this message has no property {option!r}")
            return text.decode("utf-8", "surrogateescape")
        value = zmq_msg_get(&self.msg, option)
        if value < 0:
            fail(libzmq_errno(), "get", "Frame", f"no message option has the number {option}")
        return value

    def set(self, option, value):
        """Set a message option by number (zmq_msg_set), or "routing_id" or "group" by name."""
        if option == "routing_id":
            self.routing_id = value
        elif option == "group":
            self.group = value
        elif zmq_msg_set(&self.msg, option, value) != 0:
            fail(libzmq_errno(), "set", "Frame", "libzmq has no settable message option")

    def __getitem__(self, key):
        return self.get(key)

    def __len__(self):
        return zmq_msg_size(&self.msg)

    def __bytes__(self):
        return self.bytes

    def __copy__(self):
        return self._shared()

    def fast_copy(self):
        """Return another frame over the same memory (zmq_msg_copy)."""
        return self._shared()

    cdef Frame _shared(self):
        cdef zmq_msg_t fresh
        cdef Frame other = type(self)()
        if other is None or other is self:
            raise TypeError(f"{type(self).__name__}() does not make a frame")
        zmq_msg_init(&fresh)
        copy_msg(&fresh, self, "copy")
        if not other._take(&fresh, True):
            raise TypeError(f"{type(self).__name__}() does not make an empty frame to copy into")
        other._bytes = self._bytes
        other.more = self.more
        other.tracker = self.tracker
        return other

    def __repr__(self):
        cdef Py_ssize_t size = len(self)
        start = bytes(self.buffer[:16 if size <= 16 else 12])
        return f"<{frame_name}({start!r}{human_size(size) if size > 16 else ''})>"


cdef str human_size(Py_ssize_t size):
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"...{size}{unit}"
        size //= 1000
    return f"...{size}GB"
