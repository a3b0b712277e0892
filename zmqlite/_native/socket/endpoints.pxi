# Attaching: bind and connect, with what libzmq may answer on the way.


cdef bytes address_bytes(str operation, object address):
    if not isinstance(address, str):
        raise TypeError(f"Expected addr to be str, got {type(address).__name__!r}; {operation} takes a text such as "
                        f"{'inproc://events' if operation == 'monitor' else 'tcp://127.0.0.1:5555'}")
    if "\0" in address:
        raise ValueError(f"{operation}({address!r}): an address has no NUL in it")
    return (<object> address).encode("utf-8", "surrogateescape")


cdef object attach_patiently(Handle self, str operation, object address):
    """Bind or connect, and return the resolved endpoint; where descriptors may come back, try again."""
    cdef bytes name = address_bytes(operation, address)
    cdef const char *text = name
    cdef Shortage shortage
    cdef int error = EMFILE
    while error:
        guard_enter_marked(self, operation)
        try:
            error = attach(self, &zmq_bind if operation == "bind" else &zmq_connect, text)
            if not error:
                endpoint = self._attached(address, text)
                if operation == "connect" and self._next_peer_id is not None:
                    self._peer_ids[self._next_peer_id] = endpoint
                    self._next_peer_id = None
        finally:
            guard_exit_marked(self)
        if error and not passes(&shortage, error):
            self._fail_address(error, operation, address)
    return endpoint


cdef int attach(Handle self, int (*call)(void *, const char *) noexcept nogil, const char *address) noexcept:
    """bind or connect, in a socket that is marked. Returns an errno, 0 for done.

    Others run meanwhile if a name may have to be looked up. Else they do not: a program that starts a
    thread which binds, and ends the context soon after, finds that done, as with pyzmq.
    """
    cdef int rc
    cdef void *handle = self.handle
    if not has_name(address):
        return attach_now(handle, call, address)
    with nogil:
        rc = attach_now(handle, call, address)
    return rc


cdef int attach_now(
        void *handle, int (*call)(void *, const char *) noexcept nogil, const char *address) noexcept nogil:
    cdef int rc = EINTR
    while rc == EINTR:  # a signal that arrives while libzmq looks at its commands is no reason to give up
        rc = libzmq_errno() if call(handle, address) != 0 else 0
    return rc


cdef bint has_name(const char *address) noexcept:
    """Whether an address may hold the name of a host or device, which is looked up."""
    if strncmp(address, "inproc:", 7) == 0 or strncmp(address, "ipc:", 4) == 0:
        return False
    while address[0] and address[0] != b":":  # the transport
        address += 1
    while address[0]:
        if address[0] & 0x40 or address[0] & 0x80:  # a letter
            return True
        address += 1
    return False


cdef int attach_peer(Handle self, const char *address, uint32_t *peer) noexcept:
    """zmq_connect_peer in the manner of `attach`."""
    cdef int error = 0
    cdef void *handle = self.handle
    with nogil:
        while True:
            peer[0] = zmq_connect_peer(handle, address)
            error = libzmq_errno() if peer[0] == 0 else 0
            if error != EINTR:
                break
    return error
