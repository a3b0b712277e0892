# Proxy: moves messages between two sockets with the GIL out of the way.
#
# Not zmq_proxy: that one sees a signal only when it happens to sleep, so a busy proxy ignores Ctrl-C,
# and its steerable form differs between releases of libzmq (absent for some, PAUSE and RESUME swapped in
# 4.3.5). This loop forwards in bursts and looks around at least every millisecond.

cdef enum:
    BURST = 100
    LOOK_AROUND = 0x7FFF
    PROXY_DONE = 0x7FFE

ctypedef struct Lane:
    void *source
    void *target
    zmq_msg_t held       # read from the source, not yet taken by the target
    bint has_held
    bint held_more
    uint64_t messages
    uint64_t parts
    uint64_t read_bytes


cdef int lane_push(Lane *lane, void *capture, double end) noexcept nogil:
    """Forward a burst. Returns 0, or an errno."""
    cdef int count = 0
    cdef int flags, error
    cdef zmq_msg_t copy
    while count < BURST:
        if not lane.has_held:
            if zmq_msg_recv(&lane.held, lane.source, ZMQ_DONTWAIT) < 0:
                error = libzmq_errno()
                return 0 if error == EAGAIN else error
            lane.has_held = True
            lane.held_more = zmq_msg_more(&lane.held)
            lane.parts += 1
            lane.read_bytes += zmq_msg_size(&lane.held)
            if capture != NULL:
                zmq_msg_init(&copy)
                zmq_msg_copy(&copy, &lane.held)
                if zmq_msg_send(&copy, capture, (ZMQ_SNDMORE if lane.held_more else 0)) < 0:
                    zmq_msg_close(&copy)
        flags = ZMQ_SNDMORE if lane.held_more else 0
        if zmq_msg_send(&lane.held, lane.target, flags | ZMQ_DONTWAIT) < 0:
            error = libzmq_errno()
            if error == EAGAIN:
                return 0
            if error != EHOSTUNREACH:
                return error
            zmq_msg_close(&lane.held)  # a ROUTER that insists: nobody of that name, drop as libzmq does
            zmq_msg_init(&lane.held)
        lane.has_held = False
        if not lane.held_more:
            lane.messages += 1
            count += 1
            if not count & 15 and now() >= end:
                return 0
    return 0


cdef int proxy_turn(Lane *lanes, void *capture, void *control, bint paused, double slice,
                    bint *commanded) noexcept nogil:
    """Forward for up to `slice` seconds, or wait for work. Returns 0, or an errno."""
    cdef zmq_pollitem_t items[3]
    cdef int error, place, count
    cdef double end = now() + slice
    commanded[0] = False
    while True:
        for place in range(2):
            items[place].fd = 0
            # A lane waits to read, or, with a message in hand, for its target to take it.
            items[place].socket = lanes[place].target if lanes[place].has_held else lanes[place].source
            items[place].events = ZMQ_POLLOUT if lanes[place].has_held else ZMQ_POLLIN
            if paused:
                items[place].events = 0
        items[2].socket = control
        items[2].fd = 0
        items[2].events = ZMQ_POLLIN
        count = 3 if control != NULL else 2
        if libzmq_poll(items, count, -1) < 0:
            return libzmq_errno()
        if count == 3 and items[2].revents:
            commanded[0] = True
            return 0
        for place in range(2):
            if items[place].revents:
                error = lane_push(&lanes[place], capture, end)
                if error:
                    return error
        if now() >= end:
            return 0


cdef object run_proxy(Handle frontend, Handle backend, Handle capture, Handle control):
    cdef Lane lanes[2]
    cdef void *tap = capture.handle if capture is not None else NULL
    cdef void *orders = NULL
    cdef bint paused = False
    cdef bint commanded = False
    cdef int error
    cdef int place
    inside = [socket for socket in (frontend, backend, capture, control) if socket is not None]
    inside = list(dict.fromkeys(inside))
    memset(lanes, 0, sizeof(lanes))
    for place in range(2):
        zmq_msg_init(&lanes[place].held)
        lanes[place].source = frontend.handle if place == 0 else backend.handle
        lanes[place].target = backend.handle if place == 0 else frontend.handle
    proxy_enter(inside)
    if control is not None:
        orders = control.handle
    try:
        while True:
            block_all(inside, len(inside))
            with nogil:
                error = proxy_turn(lanes, tap, orders, paused, SLICE, &commanded)
            unblock_all(inside, len(inside))
            if commanded:
                if not obey(control, lanes, &paused):
                    return
            elif error and error != EINTR:
                fail(error, "proxy", f"{subject_of(frontend)} and {subject_of(backend)}",
                     next_step(error, "proxy", frontend.type_number))
            leave_all(inside, len(inside))
            PyErr_CheckSignals()
            proxy_enter(inside)
    finally:
        leave_all(inside, len(inside))
        for place in range(2):
            zmq_msg_close(&lanes[place].held)


cdef int proxy_enter(list inside) except -1:
    cdef int place
    for place in range(len(inside)):
        socket = inside[place]
        if (<Handle> socket).handle == NULL or not owner_enter(
                &(<Handle> socket)._owner, (<Handle> socket)._thread_safe):
            leave_all(inside, place)
            refuse(socket, "proxy")
    return 0


cdef bint obey(Handle control, Lane *lanes, bint *paused) except -1:
    """Carry out one command of the control socket; return whether to go on."""
    cdef zmq_msg_t message
    cdef bytes command
    cdef int place
    zmq_msg_init(&message)
    if zmq_msg_recv(&message, control.handle, ZMQ_DONTWAIT) < 0:
        return True
    command = PyBytes_FromStringAndSize(<char *> zmq_msg_data(&message), zmq_msg_size(&message))
    zmq_msg_close(&message)
    replies = [b""] if control.type_number == ZMQ_REP else []
    if command == b"PAUSE":
        paused[0] = True
    elif command == b"RESUME":
        paused[0] = False
    elif command == b"STATISTICS":
        replies = [number.to_bytes(8, byteorder) for place in (0, 1) for number in (
            lanes[place].messages, lanes[place].read_bytes,
            lanes[1 - place].messages, lanes[1 - place].read_bytes)]
    elif command != b"TERMINATE" and not replies:
        fail(EINVAL, "proxy_steerable", subject_of(control),
             f"{command!r} is no command: PAUSE, RESUME, TERMINATE, STATISTICS")
    for place in range(len(replies)):
        zmq_send(control.handle, PyBytes_AS_STRING(replies[place]), len(replies[place]),
                 ZMQ_SNDMORE if place < len(replies) - 1 else 0)
    return command != b"TERMINATE"


def proxy(Handle frontend not None, Handle backend not None, Handle capture=None):
    """Forward messages between two sockets, both ways, until the context ends.

    ``capture`` (PUB, DEALER, PUSH or PAIR) gets a copy of every message. Blocks; other threads run,
    signals are handled within a millisecond also under load. Raises ContextTerminated at the end of the
    context. Source: the behaviour of zmq_proxy.
    """
    run_proxy(frontend, backend, capture, None)


def proxy_steerable(Handle frontend not None, Handle backend not None, Handle capture=None,
                    Handle control=None):
    """Run proxy() under the orders of ``control`` (PAIR, PULL, SUB, REP ...).

    Orders: PAUSE, RESUME, TERMINATE (returns), STATISTICS (answers eight counters: messages and bytes
    received and sent by the frontend, then by the backend). Messages wait in libzmq during a pause.
    Source: the behaviour of zmq_proxy_steerable.
    """
    run_proxy(frontend, backend, capture, control)


