# What our own libzmq has counted for the sockets of a context; socket/stats.py reads it.

# What our own libzmq adds to its options, for those who read it in Python.
OWN_OPTIONS = {
    "peers_count": ZMQLITE_PEERS_COUNT,
    "peers_list": ZMQLITE_PEERS_LIST,
    "peers_gone": ZMQLITE_PEERS_GONE,
    "topic_takers": ZMQLITE_TOPIC_TAKERS,
    "numbers": ZMQLITE_NUMBERS,
    "drop_newest": ZMQLITE_DROP_NEWEST,
}


cdef struct NumbersRoom:  # where it writes to, and how much there is
    void *data
    size_t size


cdef bytes read_numbers(Context self):
    """In any thread: libzmq counts so that others may read, and looks at its sockets under its own lock."""
    cdef NumbersRoom room
    cdef size_t size = sizeof(room)
    cdef bytes value
    cdef int error = ENOBUFS
    cdef Context owner = owner_of(self)
    room.size = 4096
    while error == ENOBUFS:
        value = PyBytes_FromStringAndSize(NULL, room.size)
        room.data = PyBytes_AS_STRING(value)
        with cython.critical_section(self, owner):
            self._check(owner)
            error = libzmq_errno() if zmq_ctx_get_ext(self.handle, ZMQLITE_CONTEXT_NUMBERS, &room, &size) else 0
    if error:
        fail(error, "stats", "Context", "")
    return value[:room.size]
