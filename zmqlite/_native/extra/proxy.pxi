# Proxy: moves messages between two sockets with the GIL out of the way.
#
# Not zmq_proxy: that one sees a signal only when it happens to sleep, so a busy proxy ignores Ctrl-C,
# and its steerable form differs between releases of libzmq (absent for some, PAUSE and RESUME swapped in
# 4.3.5). This loop forwards in bursts and looks around at least every millisecond.

cdef enum:
    BURST = 100
    LOOK_AROUND = 0x7FFF
    PROXY_DONE = 0x7FFE

ctypedef struct Direction:
    void *source
    void *target
    zmq_msg_t held       # read from the source, not yet taken by the target
    bint has_held
    bint held_more
    bint tapped          # the capture has its copy of it
    bint inside          # the target took a part of this message before
    bint dropping        # and has lost its peer since
    bint pair            # it is a PAIR, which would give the rest to the next peer
    bint lost            # a part of the message in hand was dropped
    uint64_t size        # bytes of the message in hand, so far
    uint64_t messages    # read, and passed on or dropped
    uint64_t read_bytes
    uint64_t sent        # passed on
    uint64_t sent_bytes

ctypedef struct Capture:
    void *socket         # NULL without a capture
    bint inside
    bint dropping
    bint pair


cdef int offer(zmq_msg_t *msg, void *socket, int flags, bint *inside, bint *dropping, bint *lost,
               bint pair) noexcept nogil:
    """Send a part if it can be sent now. Returns 0, or an errno.

    A part after the first never waits. EAGAIN says then that the peer has gone, and the rest is dropped
    as in send_rest().
    """
    cdef int error = 0
    if dropping[0]:
        dropping[0] = flags & ZMQ_SNDMORE
        lost[0] = True
        zmq_msg_close(msg)
        zmq_msg_init(msg)
        return 0
    if zmq_msg_send(msg, socket, flags | ZMQ_DONTWAIT) < 0:
        error = libzmq_errno()
        if error == EHOSTUNREACH or error == ENOMEM or (error == EAGAIN and inside[0]):
            # (a ROUTER that insists: nobody of that name; it drops the rest by itself. An XSUB has no memory
            # for one more topic: some subscriber's, not the proxy's fault)
            dropping[0] = flags & ZMQ_SNDMORE and (pair or error != EAGAIN)
            lost[0] = True
            zmq_msg_close(msg)
            zmq_msg_init(msg)
            error = 0
    if not error:
        inside[0] = flags & ZMQ_SNDMORE
    return error


cdef int take(Direction *direction) noexcept nogil:
    """Read the next part. Returns 0, or an errno."""
    if zmq_msg_recv(&direction.held, direction.source, ZMQ_DONTWAIT) < 0:
        return libzmq_errno()
    direction.has_held = True
    direction.tapped = False
    direction.held_more = zmq_msg_more(&direction.held)
    direction.size += zmq_msg_size(&direction.held)
    return 0


cdef void count_message(Direction *direction) noexcept nogil:
    """The last part of a message was passed on, or dropped."""
    direction.messages += 1
    direction.read_bytes += direction.size
    if not direction.lost:
        direction.sent += 1
        direction.sent_bytes += direction.size
    direction.size = 0
    direction.lost = False


cdef int capture_off(Direction *direction, Capture *captured) noexcept nogil:
    """Give the capture its copy of the part in hand. Returns 0, or an errno."""
    cdef zmq_msg_t copy
    cdef int error
    cdef bint lost  # by the capture, which nobody counts
    zmq_msg_init(&copy)
    zmq_msg_copy(&copy, &direction.held)
    error = offer(&copy, captured.socket, ZMQ_SNDMORE if direction.held_more else 0, &captured.inside, &captured.dropping,
                  &lost, captured.pair)
    if error:
        zmq_msg_close(&copy)
    direction.tapped = error == 0
    return error


cdef int direction_push(Direction *direction, Capture *captured, double end) noexcept nogil:
    """Forward a burst. Returns 0, or an errno."""
    cdef int count = 0
    cdef int error
    while count < BURST:
        error = 0 if direction.has_held else take(direction)
        if not error and captured.socket != NULL and not direction.tapped:
            error = capture_off(direction, captured)
        if not error:
            error = offer(&direction.held, direction.target, ZMQ_SNDMORE if direction.held_more else 0, &direction.inside,
                          &direction.dropping, &direction.lost, direction.pair)
        if error:
            return 0 if error == EAGAIN else error
        direction.has_held = False
        if not direction.held_more:
            count_message(direction)
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


cdef zmq_pollitem_t awaited(Direction *direction, Capture *captured) noexcept nogil:
    """What a direction waits for: to read, or, with a part in hand, for the capture or its target to take it."""
    cdef zmq_pollitem_t item
    item.fd = item.revents = 0
    item.events = ZMQ_POLLOUT if direction.has_held else ZMQ_POLLIN
    if not direction.has_held:
        item.socket = direction.source
    elif captured.socket != NULL and not direction.tapped:
        item.socket = captured.socket
    else:
        item.socket = direction.target
    return item


cdef int proxy_turn(Direction *directions, Capture *captured, void *control, bint paused, double slice, long sleep,
                    bint *commanded) noexcept nogil:
    """Forward for up to `slice` seconds, or wait for work for `sleep` ms. Returns 0, or an errno."""
    cdef zmq_pollitem_t items[3]
    cdef zmq_pollitem_t wanted[2]
    cdef int slots[2]
    cdef int error, place, count, commands
    cdef double end = now() + slice
    commanded[0] = False
    while True:
        count = 0
        for place in range(2):
            wanted[place] = awaited(&directions[place], captured)
            slots[place] = ask(items, &count, wanted[place].socket, 0 if paused else wanted[place].events)
        commands = ask(items, &count, control, ZMQ_POLLIN) if control != NULL else -1
        if libzmq_poll(items, count, sleep) < 0:
            return libzmq_errno()
        if commands >= 0 and items[commands].revents & ZMQ_POLLIN:
            commanded[0] = True
            return 0
        for place in range(2):
            if items[slots[place]].revents & wanted[place].events:
                error = direction_push(&directions[place], captured, end)
                if error:
                    return error
        if now() >= end:
            return 0


cdef object run_proxy(Handle frontend, Handle backend, Handle capture, Handle control, list totals=None):
    """Forward until the end. With ``totals``, which gets the counters then, nobody else may use the sockets meanwhile."""
    cdef Direction directions[2]
    cdef Capture captured
    cdef bint paused = False
    cdef int place
    if not loop_was_told:
        tell_of_stopped_loop(frontend, "proxy")
    sockets = sockets_among([frontend, backend, capture, control])
    memset(directions, 0, sizeof(directions))
    memset(&captured, 0, sizeof(captured))
    enter_all(sockets)
    for place in range(2):
        zmq_msg_init(&directions[place].held)
        directions[place].source = backend.handle if place else frontend.handle
        directions[place].target = frontend.handle if place else backend.handle
        directions[place].pair = (frontend if place else backend)._type_number == ZMQ_PAIR
    if capture is not None:
        captured.socket = capture.handle
        captured.pair = capture._type_number == ZMQ_PAIR
    if totals is None:
        leave_all(sockets)
    else:
        block_all(sockets)
    try:
        while run_slice(sockets, directions, &captured, control, &paused, frontend, backend, totals is None):
            PyErr_CheckSignals()
    finally:
        if totals is not None:
            unblock_all(sockets)
            leave_all(sockets)
            totals[:] = counters(directions)
        give_up_directions(sockets, directions, &captured)


cdef int give_up_directions(list sockets, Direction *directions, Capture *captured) except -1:
    """What was taken from one side and not yet given to the other is lost: whole messages, for the next who receives
    there must not take the rest of one for a message, nor the capture be left with a beginning."""
    cdef int place
    cdef bint usable = True
    for place in range(len(sockets)):  # a handler may have closed one
        usable = usable and (<Handle> sockets[place]).handle != NULL and not guard_in_use(
            &(<Handle> sockets[place])._guard)
    if usable:
        enter_all(sockets)
    for place in range(2):
        if usable and directions[place].has_held:
            drop_held(&directions[place], captured)
        zmq_msg_close(&directions[place].held)
    if usable:
        leave_all(sockets)
    return 0


cdef void drop_held(Direction *direction, Capture *captured) noexcept nogil:
    cdef bint capturing = captured.socket != NULL and direction.tapped
    cdef int error = 0
    while direction.held_more and (error == 0 or error == EINTR):
        error = take(direction)
        if capturing and not error:
            capture_off(direction, captured)


cdef bint run_slice(list sockets, Direction *directions, Capture *captured, Handle control, bint *paused, Handle frontend,
                    Handle backend, bint enters) except -1:
    """One turn inside all the sockets; returns whether to go on. ``enters`` says that it is not inside yet."""
    cdef bint commanded = False
    cdef int error
    cdef long sleep = one_step(-1)
    cdef void *commands = NULL
    if enters:
        enter_all(sockets)  # refuses those that a signal handler closed
        block_all(sockets)
    try:
        if control is not None:
            commands = control.handle
        with nogil:
            error = proxy_turn(directions, captured, commands, paused[0], SLICE, sleep, &commanded)
        if commanded:
            return obey(control, directions, paused, not enters)
        if error and error != EINTR:
            fail(error, "proxy", f"{subject_of(frontend)} and {subject_of(backend)}",
                 next_step(error, "proxy", frontend._type_number))
        return True
    finally:
        if enters:
            unblock_all(sockets)
            leave_all(sockets)


cdef list counters(Direction *directions):
    """Messages and bytes that each side received and sent; the frontend first."""
    cdef int place
    return [number for place in (0, 1) for number in (
        directions[place].messages, directions[place].read_bytes,
        directions[1 - place].sent, directions[1 - place].sent_bytes)]


cdef bint obey(Handle control, Direction *directions, bint *paused, bint numbered) except -1:
    """Carry out one command of the control socket; return whether to go on. ``numbered`` says that a command may have
    a number, which ends its answer."""
    cdef zmq_msg_t message
    cdef bytes command
    cdef bytes number = b""
    cdef int place
    zmq_msg_init(&message)
    if zmq_msg_recv(&message, control.handle, ZMQ_DONTWAIT) < 0:
        return True
    try:
        command = PyBytes_FromStringAndSize(<char *> zmq_msg_data(&message), zmq_msg_size(&message))
    finally:
        zmq_msg_close(&message)
    if numbered:
        command, _, number = command.partition(b" ")
    replies = [b""] if control._type_number == ZMQ_REP else []
    if command == b"PAUSE":
        paused[0] = True
    elif command == b"RESUME":
        paused[0] = False
    elif command == b"STATISTICS":
        replies = [total.to_bytes(8, byteorder) for total in counters(directions)] + [number] * numbered
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


cdef int proxy_until_exit(frontend, backend, capture, control) except -1:
    """A daemon thread tells nobody of the end of the interpreter, nor lets go of sockets that are to be closed then."""
    try:
        run_proxy(frontend, backend, capture, control)
    except ZMQError:
        if interpreter_exits():
            block_forever()
        raise
    return 0


def proxy(frontend, backend, capture=None):
    """Forward messages between two sockets, both ways, until the context ends.

    ``capture`` (PUB, DEALER, PUSH or PAIR) gets a copy of every message. Blocks; other threads run,
    signals are handled within a millisecond also under load. Raises ContextTerminated at the end of the
    context. Source: the behaviour of zmq_proxy.
    """
    need_sockets("proxy", frontend, backend, capture, None)
    proxy_until_exit(frontend, backend, capture, None)


def _own_proxy(frontend, backend, capture, control, list totals not None):
    """Run proxy_steerable() for `Proxy`: the sockets are its own until it returns, between two turns as well."""
    need_sockets("Proxy", frontend, backend, capture, control)
    run_proxy(frontend, backend, capture, control, totals)


def proxy_steerable(frontend, backend, capture=None, control=None):
    """Run proxy() under the commands of ``control`` (PAIR, PULL, SUB, REP ...).

    Orders: PAUSE, RESUME, TERMINATE (returns), STATISTICS (answers eight counters: messages and bytes
    received and sent by the frontend, then by the backend, of whole messages that are passed on; one that
    had to be dropped counts as received). Messages wait in libzmq during a pause.
    Source: the behaviour of zmq_proxy_steerable.
    """
    need_sockets("proxy_steerable", frontend, backend, capture, control)
    proxy_until_exit(frontend, backend, capture, control)


