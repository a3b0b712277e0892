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
    bint tapped          # the capture has its copy of it
    bint inside          # the target took a part of this message before
    bint dropping        # and has lost its peer since
    bint pair            # it is a PAIR, which would give the rest to the next peer
    uint64_t messages
    uint64_t parts
    uint64_t read_bytes

ctypedef struct Tap:
    void *socket         # NULL without a capture
    bint inside
    bint dropping
    bint pair


cdef int offer(zmq_msg_t *msg, void *socket, int flags, bint *inside, bint *dropping, bint pair) noexcept nogil:
    """Send a part if it can be sent now. Returns 0, or an errno.

    A part after the first never waits. EAGAIN says then that the peer has gone, and the rest is dropped
    as in send_rest().
    """
    cdef int error = 0
    if dropping[0]:
        dropping[0] = flags & ZMQ_SNDMORE
        zmq_msg_close(msg)
        zmq_msg_init(msg)
        return 0
    if zmq_msg_send(msg, socket, flags | ZMQ_DONTWAIT) < 0:
        error = libzmq_errno()
        if error == EHOSTUNREACH or (error == EAGAIN and inside[0]):
            # (a ROUTER that insists: nobody of that name; it drops the rest by itself)
            dropping[0] = flags & ZMQ_SNDMORE and (pair or error == EHOSTUNREACH)
            zmq_msg_close(msg)
            zmq_msg_init(msg)
            error = 0
    if not error:
        inside[0] = flags & ZMQ_SNDMORE
    return error


cdef int take(Lane *lane) noexcept nogil:
    """Read the next part. Returns 0, or an errno."""
    if zmq_msg_recv(&lane.held, lane.source, ZMQ_DONTWAIT) < 0:
        return libzmq_errno()
    lane.has_held = True
    lane.tapped = False
    lane.held_more = zmq_msg_more(&lane.held)
    lane.parts += 1
    lane.read_bytes += zmq_msg_size(&lane.held)
    return 0


cdef int tap_off(Lane *lane, Tap *tap) noexcept nogil:
    """Give the capture its copy of the part in hand. Returns 0, or an errno."""
    cdef zmq_msg_t copy
    cdef int error
    zmq_msg_init(&copy)
    zmq_msg_copy(&copy, &lane.held)
    error = offer(&copy, tap.socket, ZMQ_SNDMORE if lane.held_more else 0, &tap.inside, &tap.dropping,
                  tap.pair)
    if error:
        zmq_msg_close(&copy)
    lane.tapped = error == 0
    return error


cdef int lane_push(Lane *lane, Tap *tap, double end) noexcept nogil:
    """Forward a burst. Returns 0, or an errno."""
    cdef int count = 0
    cdef int error
    while count < BURST:
        error = 0 if lane.has_held else take(lane)
        if not error and tap.socket != NULL and not lane.tapped:
            error = tap_off(lane, tap)
        if not error:
            error = offer(&lane.held, lane.target, ZMQ_SNDMORE if lane.held_more else 0, &lane.inside,
                          &lane.dropping, lane.pair)
        if error:
            return 0 if error == EAGAIN else error
        lane.has_held = False
        if not lane.held_more:
            lane.messages += 1
            count += 1
            if not count & 15 and now() >= end:
                return 0
    return 0


cdef int ask(zmq_pollitem_t *items, int *count, void *socket, short events) noexcept nogil:
    """Poll a socket for these events too; returns its place. Each socket has one: looking at its events
    takes the news out of its mailbox, so what stood in two places could sleep over what came between."""
    cdef int place
    for place in range(count[0]):
        if items[place].socket == socket:
            items[place].events |= events
            return place
    place = count[0]
    items[place].socket = socket
    items[place].fd = 0
    items[place].events = events
    count[0] = place + 1
    return place


cdef zmq_pollitem_t awaited(Lane *lane, Tap *tap) noexcept nogil:
    """What a lane waits for: to read, or, with a part in hand, for the capture or its target to take it."""
    cdef zmq_pollitem_t item
    item.fd = item.revents = 0
    item.events = ZMQ_POLLOUT if lane.has_held else ZMQ_POLLIN
    if not lane.has_held:
        item.socket = lane.source
    elif tap.socket != NULL and not lane.tapped:
        item.socket = tap.socket
    else:
        item.socket = lane.target
    return item


cdef int proxy_turn(Lane *lanes, Tap *tap, void *control, bint paused, double slice, long sleep,
                    bint *commanded) noexcept nogil:
    """Forward for up to `slice` seconds, or wait for work for `sleep` ms. Returns 0, or an errno."""
    cdef zmq_pollitem_t items[3]
    cdef zmq_pollitem_t wanted[2]
    cdef int slots[2]
    cdef int error, place, count, orders
    cdef double end = now() + slice
    commanded[0] = False
    while True:
        count = 0
        for place in range(2):
            wanted[place] = awaited(&lanes[place], tap)
            slots[place] = ask(items, &count, wanted[place].socket, 0 if paused else wanted[place].events)
        orders = ask(items, &count, control, ZMQ_POLLIN) if control != NULL else -1
        if libzmq_poll(items, count, sleep) < 0:
            return libzmq_errno()
        if orders >= 0 and items[orders].revents & ZMQ_POLLIN:
            commanded[0] = True
            return 0
        for place in range(2):
            if items[slots[place]].revents & wanted[place].events:
                error = lane_push(&lanes[place], tap, end)
                if error:
                    return error
        if now() >= end:
            return 0


cdef object run_proxy(Handle frontend, Handle backend, Handle capture, Handle control):
    cdef Lane lanes[2]
    cdef Tap tap
    cdef bint paused = False
    cdef int place
    sockets = sockets_among([frontend, backend, capture, control])
    memset(lanes, 0, sizeof(lanes))
    memset(&tap, 0, sizeof(tap))
    enter_all(sockets)
    for place in range(2):
        zmq_msg_init(&lanes[place].held)
        lanes[place].source = backend.handle if place else frontend.handle
        lanes[place].target = frontend.handle if place else backend.handle
        lanes[place].pair = (frontend if place else backend).type_number == ZMQ_PAIR
    if capture is not None:
        tap.socket = capture.handle
        tap.pair = capture.type_number == ZMQ_PAIR
    leave_all(sockets)
    try:
        while run_slice(sockets, lanes, &tap, control, &paused, frontend, backend):
            PyErr_CheckSignals()
    finally:
        give_up_lanes(sockets, lanes, &tap)


cdef int give_up_lanes(list sockets, Lane *lanes, Tap *tap) except -1:
    """What was taken from one side and not yet given to the other is lost: whole messages, for the next who receives
    there must not take the rest of one for a message, nor the capture be left with a beginning."""
    cdef int place
    cdef bint usable = True
    for place in range(len(sockets)):  # a handler may have closed one
        usable = usable and (<Handle> sockets[place]).handle != NULL and not owner_in_use(
            &(<Handle> sockets[place])._owner)
    if usable:
        enter_all(sockets)
    for place in range(2):
        if usable and lanes[place].has_held:
            drop_held(&lanes[place], tap)
        zmq_msg_close(&lanes[place].held)
    if usable:
        leave_all(sockets)
    return 0


cdef void drop_held(Lane *lane, Tap *tap) noexcept nogil:
    cdef bint tapping = tap.socket != NULL and lane.tapped
    cdef int error = 0
    while lane.held_more and (error == 0 or error == EINTR):
        error = take(lane)
        if tapping and not error:
            tap_off(lane, tap)


cdef bint run_slice(list sockets, Lane *lanes, Tap *tap, Handle control, bint *paused, Handle frontend,
                    Handle backend) except -1:
    """One turn inside all the sockets; returns whether to go on."""
    cdef bint commanded = False
    cdef int error
    cdef long sleep = one_step(-1)
    cdef void *orders = NULL
    enter_all(sockets)  # refuses those that a signal handler closed
    block_all(sockets)
    try:
        if control is not None:
            orders = control.handle
        with nogil:
            error = proxy_turn(lanes, tap, orders, paused[0], SLICE, sleep, &commanded)
        if commanded:
            return obey(control, lanes, paused)
        if error and error != EINTR:
            fail(error, "proxy", f"{subject_of(frontend)} and {subject_of(backend)}",
                 next_step(error, "proxy", frontend.type_number))
        return True
    finally:
        unblock_all(sockets)
        leave_all(sockets)


cdef bint obey(Handle control, Lane *lanes, bint *paused) except -1:
    """Carry out one command of the control socket; return whether to go on."""
    cdef zmq_msg_t message
    cdef bytes command
    cdef int place
    zmq_msg_init(&message)
    if zmq_msg_recv(&message, control.handle, ZMQ_DONTWAIT) < 0:
        return True
    try:
        command = PyBytes_FromStringAndSize(<char *> zmq_msg_data(&message), zmq_msg_size(&message))
    finally:
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
                 ZMQ_DONTWAIT | (ZMQ_SNDMORE if place < len(replies) - 1 else 0))
    return command != b"TERMINATE"


cdef object need_sockets(str operation, frontend, backend, capture, control):
    """Refuse what is no socket, by the name of the argument."""
    given = {"frontend": frontend, "backend": backend, "capture": capture, "control": control}
    for name, value in given.items():
        if not isinstance(value, Handle) and (value is not None or name.endswith("end")):
            raise TypeError(f"{operation}() takes sockets, and {name} is no socket: {value!r}")


def proxy(frontend, backend, capture=None):
    """Forward messages between two sockets, both ways, until the context ends.

    ``capture`` (PUB, DEALER, PUSH or PAIR) gets a copy of every message. Blocks; other threads run,
    signals are handled within a millisecond also under load. Raises ContextTerminated at the end of the
    context. Source: the behaviour of zmq_proxy.
    """
    need_sockets("proxy", frontend, backend, capture, None)
    run_proxy(frontend, backend, capture, None)


def proxy_steerable(frontend, backend, capture=None, control=None):
    """Run proxy() under the orders of ``control`` (PAIR, PULL, SUB, REP ...).

    Orders: PAUSE, RESUME, TERMINATE (returns), STATISTICS (answers eight counters: messages and bytes
    received and sent by the frontend, then by the backend). Messages wait in libzmq during a pause.
    Source: the behaviour of zmq_proxy_steerable.
    """
    need_sockets("proxy_steerable", frontend, backend, capture, control)
    run_proxy(frontend, backend, capture, control)


