# What our own libzmq has counted for the sockets of a context; zmqlite.stats reads it.

cdef enum:
    NUMBERS = 23131  # an option that our own libzmq adds


cdef struct NumbersRoom:  # where it writes to, and how much there is
    void *data
    size_t size


cdef bytes read_numbers(Context self):
    """In any thread: libzmq counts so that others may read, and looks at its sockets under its own lock."""
    cdef NumbersRoom room
    cdef size_t size = sizeof(room)
    cdef bytes value
    cdef int error = ENOBUFS
    room.size = 4096
    while error == ENOBUFS:
        value = PyBytes_FromStringAndSize(NULL, room.size)
        room.data = PyBytes_AS_STRING(value)
        with cython.critical_section(self):
            self._check()
            error = libzmq_errno() if zmq_ctx_get_ext(self.handle, NUMBERS, &room, &size) else 0
    if error:
        fail(error, "stats", "Context", "")
    return value[:room.size]
