# Options: how their values travel. Names, kinds and ranges are in zmqlite.options.

# What our own libzmq adds to them, for those who read it in Python.
OWN_OPTIONS = {
    "peers_count": ZMQLITE_PEERS_COUNT,
    "peers_list": ZMQLITE_PEERS_LIST,
    "peers_gone": ZMQLITE_PEERS_GONE,
    "topic_takers": ZMQLITE_TOPIC_TAKERS,
    "numbers": ZMQLITE_NUMBERS,
    "drop_newest": ZMQLITE_DROP_NEWEST,
}

cdef enum:  # how an option's value travels; the codes of zmqlite.options
    KIND_INT = 0
    KIND_INT64 = 1
    KIND_UINT64 = 2
    KIND_BYTES = 3
    KIND_STRING = 4
    KIND_KEY = 5
    KIND_FD = 6

cdef enum:
    XSUB_VERBOSE_UNSUBSCRIBE = 115


cdef object MOST_EVENTS = int(0xffffffffffffffff)  # of a monitor: 64 bits


cdef object read_option(Handle self, int option, int kind):
    cdef int number = 0
    cdef int64_t long_number = 0
    cdef uint64_t big_number = 0
    cdef char text[4096]
    cdef size_t size
    cdef int error = EINTR
    guard_enter(self, "getsockopt")
    while error == EINTR:  # it never waits: handlers have time afterwards
        if kind == KIND_INT or kind == KIND_FD:
            size = sizeof(number)
            error = zmq_getsockopt(self.handle, option, &number, &size)
        elif kind == KIND_INT64:
            size = sizeof(long_number)
            error = zmq_getsockopt(self.handle, option, &long_number, &size)
        elif kind == KIND_UINT64:
            size = sizeof(big_number)
            error = zmq_getsockopt(self.handle, option, &big_number, &size)
        else:
            size = 41 if kind == KIND_KEY else sizeof(text)
            error = zmq_getsockopt(self.handle, option, text, &size)
        error = libzmq_errno() if error else 0
    guard_exit(self)
    if error:
        fail_socket(self, error, f"getsockopt({option})")
    if kind == KIND_INT or kind == KIND_FD:
        return number
    if kind == KIND_INT64:
        return long_number
    if kind == KIND_UINT64:
        return big_number
    if kind != KIND_BYTES and size and text[size - 1] == 0:
        size -= 1
    return PyBytes_FromStringAndSize(text, size)


cdef int write_option(Handle self, int option, int kind, object value) except -1:
    cdef int number
    cdef int64_t long_number
    cdef uint64_t big_number
    cdef bytes text
    cdef int rc
    guard_enter_marked(self, "setsockopt")
    try:
        if option == XSUB_VERBOSE_UNSUBSCRIBE and (value is None or kind != KIND_INT):
            # libzmq 4.3.5 and later read an int there, whatever they were given
            fail_option(self, EINVAL, option, value)
        if value is None:
            rc = zmq_setsockopt(self.handle, option, NULL, 0)
        elif kind == KIND_INT or kind == KIND_FD:
            number = value
            if option == ZMQ_USE_FD and number >= 0 and not usable_fd(number):
                fail_socket(self, EINVAL, "setsockopt(USE_FD)", f"{number} is not an open socket descriptor")
            rc = zmq_setsockopt(self.handle, option, &number, sizeof(number))
        elif kind == KIND_INT64:
            long_number = value
            rc = zmq_setsockopt(self.handle, option, &long_number, sizeof(long_number))
        elif kind == KIND_UINT64:
            big_number = value
            rc = zmq_setsockopt(self.handle, option, &big_number, sizeof(big_number))
        else:
            text = value
            if option == ZMQ_CONNECT_ROUTING_ID:
                check_peer_id(self, text)
            rc = zmq_setsockopt(self.handle, option, PyBytes_AS_STRING(text), len(text))
        if rc != 0:
            fail_option(self, libzmq_errno(), option, value)
        if option == ZMQ_SUBSCRIBE:
            self._subscribed = True
        elif option == ZMQ_LINGER:
            self._linger_set = True
    finally:
        guard_exit_marked(self)
    return 0


cdef int fail_option(Handle self, int error, int option, object value) except -1:
    hint = "the option refuses this value, this socket type, or this moment" if error == EINVAL else ""
    return fail_socket(self, error, f"setsockopt({option}, {value!r})", hint)


cdef int whole_linger(object linger) except? -1:
    """A linger that may be any whole number; half a millisecond would be none at all."""
    if isinstance(linger, float) and linger == linger and abs(linger) != FOREVER:
        if linger != int(linger):
            raise TypeError(f"linger takes whole milliseconds, got {linger!r}: {linger:g} s are "
                            f"{round(linger * 1000)}")
        linger = int(linger)
    return whole_number(linger, -0x80000000, 0x7fffffff, "linger takes whole milliseconds, -1 for ever, 0 for not at all")


cdef object whole_number(object value, object least, object most, str said):
    """A whole number between two; else an error that begins with what is said of it."""
    if isinstance(value, type) or not hasattr(value, "__index__"):
        raise TypeError(f"{said}; not {value!r:.80}")
    number = value.__index__()
    if not least <= number <= most:
        raise OverflowError(f"{said}; not {number!r:.80}")
    return number


cdef uint32_t peer_number(str operation, object routing_id) except? 0:
    return whole_number(routing_id, 0, 0xffffffff,
                        f"{operation}() takes the number of a peer of a SERVER or PEER as its routing id")


cdef int check_peer_id(Handle self, bytes routing_id) except -1:
    # A second peer with an id that is taken makes libzmq abort the process.
    cdef int events
    cdef size_t size = sizeof(events)
    if self._peer_ids is None:
        self._peer_ids = {}
    zmq_getsockopt(self.handle, ZMQ_EVENTS, &events, &size)  # hears of peers that have come or gone
    taken = routing_id in self._peer_ids or (
        ZMQLITE_DRAFTS and self._type_number == ZMQ_ROUTER and len(routing_id)
        and zmq_socket_get_peer_state(self.handle, PyBytes_AS_STRING(routing_id), len(routing_id)) >= 0)
    if taken:
        fail_socket(self, EINVAL, "setsockopt(CONNECT_ROUTING_ID)",
                   f"the routing id {routing_id!r} already belongs to a peer of this socket")
    self._next_peer_id = routing_id
    return 0
