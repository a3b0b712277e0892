# Handle: the life, endpoints and options of a socket. Socket (methods.pxi) adds the messages.

# libzmq reads and writes tcp and ipc in batches of this size (8 KiB by default); larger ones halve
# the system calls for messages of 1 KiB and more. See docs/performance.md.
cdef int BATCH_SIZE = 262144

cdef enum:
    RADIO = 14
    DISH = 15
    DGRAM = 18


@cython.no_gc_clear  # __dealloc__ still needs the context, and nothing here closes a cycle
cdef class Handle:
    """The life, the endpoints and the options of a socket; Socket adds the messages."""

    def __init__(self, Context context, int socket_type, *, shadow=0, copy_threshold=None):
        cdef size_t address = shadow  # first: this runs code of the caller's, which may come here again
        cdef Py_ssize_t threshold = threshold_or_default(copy_threshold)
        if not once_claim(&self._once):
            raise RuntimeError("a socket is initialised once")
        try:
            self.copy_threshold = threshold
            self._make(context, socket_type, address)
        except BaseException:
            once_release(&self._once)  # what failed can be tried again
            raise

    cdef int _make(self, Context context, int socket_type, size_t address) except -1:
        if not address and context is None:
            raise TypeError("a socket is made in a context: Socket(context, socket_type)")
        self._endpoints = []
        self._context = context
        self._type_number = socket_type
        self._zero_copy_min = ZERO_COPY_MIN
        guard_reset(&self._guard)
        if not address:
            return self._open(context, socket_type)
        if not link_shadow(self, <void *> address):
            fail_shadow(address, "socket", ENOTSOCK)
        return 0

    cdef int _open(self, Context context, int socket_type) except -1:
        cdef int batch = BATCH_SIZE
        cdef Shortage shortage
        cdef int error = EMFILE
        cdef void *handle = NULL
        cdef Context owner = owner_of(context)
        if context.handle == NULL and context._state != FORKED:
            raise ClosedContext.during("socket", "Context", "make a new one", text="the context is closed",
                                       errno=EFAULT if context._orphan else None)
        drain()
        while error:
            with cython.critical_section(context, owner):
                context._check(owner)
                error = context._start()
                if not error:
                    handle = zmq_socket(context.handle, socket_type)
                    error = libzmq_errno() if handle == NULL else 0
            if error and not passes(&shortage, error):
                fail(error, "socket", "Context", no_socket(context, error, socket_type))
        if ZMQLITE_DRAFTS:
            zmq_setsockopt(handle, ZMQLITE_IN_BATCH_SIZE, &batch, sizeof(batch))
            zmq_setsockopt(handle, ZMQLITE_OUT_BATCH_SIZE, &batch, sizeof(batch))
        registry_lock()
        socket_link(self, handle)
        registry_unlock()
        return 0

    # -- life ------------------------------------------------------------------------------------

    @property
    def closed(self):
        """Whether the socket is closed (or belongs to the parent of a fork)."""
        return self.handle == NULL

    @property
    def _number(self):
        """The same as `underlying`, only to be compared: pollers go on as they did."""
        return <size_t> self.handle

    @property
    def underlying(self):
        """The address of libzmq's socket, 0 when closed."""
        mark_always_dirty(self)
        return <size_t> self.handle

    @property
    def context(self):
        """The context that this socket lives in."""
        return self._context

    @property
    def thread_safe(self):
        """Whether several threads may use this socket at once (SERVER, CLIENT, RADIO, DISH ...)."""
        return self._thread_safe

    @property
    def more_parts(self):
        """Whether the part received last is followed by another of the same message."""
        return self._recv_more

    @property
    def half_sent(self):
        """Whether the part sent last is to be followed by another of the same message."""
        return self._send_more != 0

    @property
    def endpoints(self):
        """The endpoints bound and connected now, resolved, in order."""
        return () if self._endpoints is None else tuple(self._endpoints)

    def _shadowed(self):
        """Return the Socket that this is a second handle on; None if it is none, or not of ours."""
        cdef list found = []  # first: making it may run the collector, which may shorten the chain
        cdef void *place
        if not self._shadow or self.handle == NULL:
            return None
        registry_lock()
        try:
            place = socket_at(self.handle)
            if place != NULL:
                keep(found, place)
        finally:
            registry_unlock()
        return found[0] if found else None

    def close(self, linger=None):
        """Close the socket; messages not yet sent are sent for as long as linger says (zmq_close).

        ``linger`` in ms sets the option first. Never blocks: a later ``Context.term()`` waits. Closing
        twice is no error. Raises ThreadMisuse while another thread is inside the socket.
        """
        cdef int value
        cdef int kept = 0
        cdef size_t address = 0
        if self.handle == NULL:
            return
        if linger is not None:
            value = whole_linger(linger)
        if not guard_claim(&self._guard, self._thread_safe):
            refuse(self, "close")
        if self.handle != NULL:
            if linger is not None:
                zmq_setsockopt(self.handle, ZMQ_LINGER, &value, sizeof(value))
                self._linger_set = True
            if self._watch != NULL:
                forget_watches(self)  # first: the descriptor may serve for another socket soon
            address = <size_t> self.handle
            kept = lingers(self)
            finish_socket(self)
        guard_unclaim(&self._guard, self._thread_safe)
        if self._watch != NULL:
            forget_watches(self)
        drain()
        if ZMQLITE_BLOCKS:
            bytes_pool.note_missed()  # what was not received goes now
        if address:
            remember_places(self)
        if kept:
            remember_lingering(self, address, kept)
        elif address and self._context is not None:
            forget_lingering(self._context, address)

    def __del__(self):
        try:
            if self.handle != NULL and not self._shadow and not interpreter_exits():
                warnings.warn(f"unclosed socket {self!r}", ResourceWarning, source=self)
        finally:  # a warning may be an exception
            if not interpreter_exits():
                self.close()

    def __dealloc__(self):
        # Whatever a subclass did in its own __del__ or close: the handle does not outlive us.
        if self.handle != NULL and not interpreter_exits():
            finish_socket(self)
        socket_unlink(self)

    # -- endpoints -------------------------------------------------------------------------------

    def _bind(self, address):
        """Bind to an address that the facade has checked; return the resolved endpoint (zmq_bind)."""
        return attach_patiently(self, "bind", address)

    def _connect(self, address):
        """Connect to an address that the facade has checked (zmq_connect)."""
        return attach_patiently(self, "connect", address)

    def connect_peer(self, address):
        """Connect a PEER or SERVER and return the routing id of the new peer (zmq_connect_peer, draft)."""
        cdef bytes name = address_bytes("connect_peer", address)
        cdef uint32_t peer
        guard_enter_marked(self, "connect_peer")
        try:
            error = attach_peer(self, name, &peer)
            if error:
                self._fail_address(error, "connect_peer", address)
            self._attached(address, name)
            return peer
        finally:
            guard_exit_marked(self)

    def disconnect_peer(self, routing_id):
        """Disconnect one peer of a PEER or SERVER (zmq_disconnect_peer, libzmq after 4.3.5)."""
        cdef uint32_t peer = peer_number("disconnect_peer", routing_id)
        guard_enter_marked(self, "disconnect_peer")
        try:
            if zmq_disconnect_peer(self.handle, peer) != 0:
                fail_socket(self, libzmq_errno(), "disconnect_peer",
                           "zmq_disconnect_peer needs a libzmq newer than 4.3.5 with drafts")
        finally:
            guard_exit_marked(self)

    def peer_state(self, routing_id):
        """Return the POLLIN/POLLOUT mask of one peer of a ROUTER (zmq_socket_get_peer_state, draft)."""
        cdef int state
        cdef bytes name
        if not isinstance(routing_id, bytes):
            raise TypeError(f"peer_state() takes the routing id of a peer as bytes, not {routing_id!r:.80}")
        name = routing_id
        guard_enter_marked(self, "peer_state")
        try:
            state = zmq_socket_get_peer_state(self.handle, PyBytes_AS_STRING(name), len(name))
            if state < 0:
                fail_socket(self, libzmq_errno(), "peer_state")
            return state
        finally:
            guard_exit_marked(self)

    def _fail_address(self, int error, str operation, address):
        if is_shortage(error):
            hint = scarce(self._context, error)
        else:
            hint = next_step(error, operation, self._type_number)
        address = str(address)
        raise failure(error, f"{operation}({address!r})", type_name(self._type_number) + " socket", hint)

    cdef object _attached(self, object address, const char *text):
        """Remember the endpoint that libzmq resolved `address` to, and return it."""
        cdef char buffer[1024]
        cdef size_t size = sizeof(buffer)
        endpoint = str(address)
        if zmq_getsockopt(self.handle, ZMQ_LAST_ENDPOINT, buffer, &size) == 0 and size > 1:
            endpoint = buffer[:size - 1].decode("utf-8", "surrogateescape")
            if "://" not in endpoint:  # libzmq leaves it out for udp, without names-that-stay.patch
                endpoint = str(address).partition("://")[0] + "://" + endpoint
        self._endpoints.append(endpoint)
        note_transport(self, text)
        return endpoint

    def _unbind(self, address):
        """Stop accepting on an endpoint, in its resolved spelling (zmq_unbind)."""
        self._detach("unbind", str(address))

    def _disconnect(self, address):
        """Disconnect from an endpoint (zmq_disconnect)."""
        self._detach("disconnect", str(address))

    def _detach(self, str operation, str address):
        cdef bytes name = address_bytes(operation, address)
        guard_enter_marked(self, operation)
        try:
            error = attach(self, &zmq_unbind if operation == "unbind" else &zmq_disconnect, name)
            if error:
                known = ", ".join(self._endpoints) or "none"
                raise failure(error, f"{operation}({address!r})", type_name(self._type_number) + " socket",
                              f"this socket's endpoints: {known}" if error == ENOENT else "")
            while address in self._endpoints:  # libzmq gives up all of that name
                self._endpoints.remove(address)
            if self._peer_ids:  # the ids of the peers that go are free again
                self._peer_ids = {name: end for name, end in self._peer_ids.items() if end != address}
        finally:
            guard_exit_marked(self)

    def join(self, group):
        """Join a group of a DISH socket (zmq_join, draft). At most 255 bytes."""
        cdef bytes name = group_name(group)
        guard_enter_marked(self, "join")
        try:
            if zmq_join(self.handle, name) != 0:
                error = libzmq_errno()
                fail_socket(self, error, "join", "a group is joined once and has at most 255 bytes"
                           if error == EINVAL else "")
            self._subscribed = True
        finally:
            guard_exit_marked(self)

    def leave(self, group):
        """Leave a group of a DISH socket (zmq_leave, draft)."""
        cdef bytes name = group_name(group)
        guard_enter_marked(self, "leave")
        try:
            if zmq_leave(self.handle, name) != 0:
                error = libzmq_errno()
                fail_socket(self, error, "leave", "this socket has not joined that group"
                           if error == EINVAL else "")
        finally:
            guard_exit_marked(self)

    def _monitor(self, address, events, version=1, socket_type=0):
        """Publish the socket's events on an inproc address, or stop with None
        (zmq_socket_monitor_versioned; version 1 on a PAIR needs no drafts)."""
        cdef uint64_t mask = whole_number(events, 0, MOST_EVENTS, "monitor() takes a sum of events, as zmq.EVENT_ALL is")
        cdef int layout = whole_number(version, 0, 0xffff, "monitor() takes 1 or 2 as its version")
        cdef int kind = whole_number(socket_type, 0, 0xffff, "monitor() takes a type of sockets, such as zmq.PAIR")
        cdef bytes name = None if address is None else address_bytes("monitor", address)
        cdef const char *text = NULL
        cdef Shortage shortage
        cdef int error = EMFILE
        if name is not None:
            text = name
        while error:
            guard_enter_marked(self, "monitor")
            if layout == 1 and kind == ZMQ_PAIR:
                rc = zmq_socket_monitor(self.handle, text, <int> mask)
            else:
                rc = zmq_socket_monitor_versioned(self.handle, text, mask, layout, kind)
            error = libzmq_errno() if rc != 0 else 0
            guard_exit_marked(self)
            if error and not passes(&shortage, error):
                fail_socket(self, error, "monitor", "the address must begin with inproc://"
                           if error not in (ETERM, ENOTSUP, EADDRINUSE) else "")

    def monitor_pipes_stats(self):
        """Ask for an event with the depth of each queue (zmq_socket_monitor_pipes_stats, draft)."""
        guard_enter_marked(self, "monitor_pipes_stats")
        try:
            if zmq_socket_monitor_pipes_stats(self.handle) != 0:
                fail_socket(self, libzmq_errno(), "monitor_pipes_stats",
                           "the socket needs a version 2 monitor and a peer")
        finally:
            guard_exit_marked(self)

    # -- options ---------------------------------------------------------------------------------

    def _get_option(self, int option, int kind):
        """Return the option with this number; ``kind`` says how its value travels (zmq_getsockopt)."""
        if option == ZMQ_TYPE and self.handle != NULL:
            return self._type_number
        return read_option(self, option, kind)

    def get_long_option(self, int option):
        """Return an option of our own libzmq whose value may have any size: it says ENOBUFS and how much it takes.
        From any thread, in nobody's way."""
        cdef size_t size = 4096
        cdef bytes value
        cdef int error = ENOBUFS
        while error == ENOBUFS or error == EINTR:
            value = PyBytes_FromStringAndSize(NULL, size)
            guard_visit_enter(self, "getsockopt")
            error = libzmq_errno() if zmq_getsockopt(self.handle, option, PyBytes_AS_STRING(value), &size) else 0
            guard_leave(&self._guard)
        if error:
            fail_socket(self, error, f"getsockopt({option})")
        return value[:size]

    def _set_option(self, int option, int kind, value):
        """Set the option with this number; ``kind`` says how its value travels (zmq_setsockopt).

        None clears an option for which libzmq knows "unset".
        """
        write_option(self, option, kind, value)

    def __repr__(self):
        where = "".join([" " + one for one in self.endpoints[:3]])
        state = " closed" if self.handle == NULL else ""
        return f"<zmqlite.Socket(zmqlite.{type_name(self._type_number)}){where} at {id(self):#x}{state}>"
