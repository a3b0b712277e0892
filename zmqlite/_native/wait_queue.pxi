# Who waits on a socket of an asyncio loop, and how the loop finds it: from "the descriptor is readable"
# to the step of the task that waits, without a Python frame of ours. What a loop does differently for
# senders and for those who only look is added by those who inherit (`_aio`).

cdef extern from "iteration.hpp" namespace "zmqlite":
    void iterate_with(object type, PyObject *(*next)(PyObject *) except? NULL)
    PyObject *iteration_ends(object value)
    int is_as_new(PyObject *object) except -1

NOTHING = type("NOTHING", (), {})()  # what an attempt returns: the socket cannot do it now
MORE = type("MORE", (), {})()        # ... it could go on; others should have their turn first


cdef class Turn
cdef class Place
cdef class Looker


@cython.no_gc_clear  # what is called late must find its fields; the set breaks the cycles
@cython.nonecheck(True)
cdef class Grip:
    """Grip(link, loop, kinds): what a loop holds of a link, in selector and callbacks.

    Weakly, so that a dropped socket does not live on in a selector; firmly while an operation is
    awaited, has callbacks or is a send, so that a task that waits cannot vanish with its socket.
    ``kinds`` are the loop's futures, its tasks (a tuple of classes), and the exceptions of a future
    that was cancelled and of one that is not in the state for this; ``kept`` has the operations that
    live, and their sockets with them, until they are over; ``watching`` says whether the loop watches
    the descriptor.
    """

    cdef readonly object loop
    cdef readonly object link
    cdef readonly Readiness readiness
    cdef readonly set kept
    cdef public bint watching
    cdef int _pass           # which it was when the descriptor spoke, for the turn
    cdef object _future
    cdef tuple _tasks
    cdef object _cancelled
    cdef object _invalid
    cdef Once _once

    def __init__(self, Looker link not None, loop, tuple kinds not None):
        if not once_claim(&self._once):
            raise RuntimeError("a grip is initialised once")
        self.loop = loop
        self.link = PyWeakref_NewRef(link, None)
        self.readiness = Readiness()
        self.kept = set()
        self._future, self._tasks, self._cancelled, self._invalid = kinds

    cpdef int used(self) except -1:
        """The socket was used: if somebody waits, have a look soon."""
        if self.readiness.used():
            self.soon()
        return 0

    cpdef int soon(self) except -1:
        """Look in the next pass of the loop."""
        if self.loop.is_closed():
            self.readiness.forget()
        else:
            self.loop.call_soon(self.look)
        return 0

    def look(self):
        """Look now, if the link is still there. A callback of the loop."""
        link = self.link()
        if link is not None:
            (<Looker> link).receivers._turn.relieve()
            (<Looker> link)._look(0, self._runs_tasks())

    def heard(self):
        """The descriptor speaks, of which a loop tells once in a pass: look."""
        link = self.link()
        if link is not None:
            self._pass = (<Looker> link).receivers._turn.told(self._pass)
            (<Looker> link).receivers._turn.relieve()
            (<Looker> link)._look(0, self._runs_tasks())

    cdef bint _runs_tasks(self) except -1:
        """Whether tasks may run within our callbacks: not in debug mode, which tells the slow ones by name."""
        return not self.loop.get_debug()


@cython.no_gc_clear
@cython.nonecheck(True)
cdef class Side:
    """Side(grip, turn, mask, stays): the operations that wait for one direction, served in order.

    ``queue`` has their places. An operation that its owner has dropped disappears and takes no message
    with it, unless it ``stays``.
    """

    cdef object __weakref__
    cdef readonly Grip grip
    cdef readonly list queue
    cdef readonly bint stays
    cdef Turn _turn
    cdef readonly int mask
    cdef Once _once

    def __init__(self, Grip grip not None, Turn turn not None, int mask, bint stays=False):
        if not once_claim(&self._once):
            raise RuntimeError("a side is initialised once")
        self.grip = grip
        self.queue = []
        self.stays = stays
        self._turn = turn
        self.mask = mask

    def operation(self, kind, attempt, *, bint ends=False, int wants=0):
        """Return a new operation of this kind, not yet in the line.

        ``attempt`` is called and returns the result, NOTHING or MORE; a socket as the attempt receives
        a part of it.
        """
        return self._operation(kind, attempt, ends, wants)

    cdef object _operation(self, object kind, object attempt, bint ends, int wants):
        cdef Place place = Place.__new__(Place)
        operation = kind(loop=self.grip.loop)
        place.side = self
        place.ends = ends
        place.wants = wants
        place.attempted = attempt
        operation._place = place
        return operation

    def join(self, operation, bint tried):
        """Wait in line. ``tried`` says that the socket has just refused it."""
        self._join(operation, operation._place, tried)

    cdef int _join(self, object operation, Place place, bint tried) except -1:
        if self.stays:
            self.grip.kept.add(operation)
        place._entry = PyWeakref_NewRef(operation, place)
        self.queue.append(place)
        if self.grip.readiness.begin(self.mask):
            if tried:  # the refusal was as good as a look
                self.grip.readiness.forget()
            else:
                self.grip.soon()
        return 0

    cdef int _leave(self, Place place) except -1:
        """An operation is over, or dropped; let the next one have a look."""
        cdef Py_ssize_t number
        place._entry = None
        for number in range(len(self.queue)):
            if self.queue[number] is place:
                del self.queue[number]
                if self.stays:
                    self.left(place)
                if self.grip.readiness.end(self.mask):
                    self.grip.soon()
                break
        return 0

    cpdef bint passes(self, attempt) except -1:
        """Whether a new attempt may be made at once though others wait."""
        return False

    cpdef int left(self, Place place) except -1:
        """An operation that stays has left the line."""
        return 0

    cpdef int serve(self, int events, bint at_once) except -1:
        """Perform what nobody awaits, wake the first one that somebody does."""
        if events & self.mask:
            while self.queue and self._serve_first(at_once):
                pass
        return 0

    cdef bint _serve_first(self, bint at_once) except -1:
        """Return whether the next one may be served too."""
        cdef Place place = self.queue[0]
        cdef double begin
        operation = place.operation()
        if operation is None or operation.done():
            self._leave(place)
            return True
        if place.awaited:
            place.ring(at_once)
            return False
        if not self._turn.take():
            self.grip.used()
            return False
        begin = now()
        done = place.perform(operation)
        self._turn.weigh(now() - begin)
        return done

    cpdef object refused(self, operation):
        """An attempt got NOTHING although the socket seemed ready. Return what a last one gets.

        EVENTS tells the truth about receiving: the next look will do.
        """
        self.grip.used()
        return NOTHING

    def all(self):
        """Return what waits."""
        cdef Place place
        found = []
        for place in self.queue:
            operation = place.operation()
            if operation is not None:
                found.append(operation)
        return found


@cython.nonecheck(True)
cdef class Looker:
    """Looker(socket, grip, receivers, senders, pollers): reads EVENTS and wakes whom they concern.

    ``signal`` is what tells the EVENTS of a socket without a descriptor: a `ReadySignal`.
    """

    cdef object __weakref__
    cdef object _socket      # a weak reference
    cdef readonly Grip grip
    cdef readonly Side receivers
    cdef readonly Side senders
    cdef readonly Side pollers
    cdef public object signal
    cdef Once _once

    def __init__(self, Handle socket not None, Side receivers not None, Side senders not None,
                 Side pollers not None):
        if not once_claim(&self._once):
            raise RuntimeError("a looker is initialised once")
        self._socket = PyWeakref_NewRef(socket, None)
        self.grip = receivers.grip
        self.receivers = receivers
        self.senders = senders
        self.pollers = pollers

    @property
    def socket(self):
        """The socket, or None once it is gone."""
        return self._socket()

    @property
    def waiting(self):
        """Whether anybody waits."""
        return bool(self.receivers.queue or self.senders.queue or self.pollers.queue)

    def look(self, int without=0, bint at_once=False):
        """Read EVENTS and wake whom they concern, but not who waits for ``without`` alone.

        ``at_once`` is for a callback of the loop, while no task runs: who is woken runs within it.
        """
        return self._look(without, at_once)

    cdef int _look(self, int without, bint at_once) except -1:
        cdef int events
        socket = self._socket()
        if socket is None or (<Handle> socket).handle == NULL:
            self.grip.readiness.forget()
            return 0
        try:
            if self.signal is not None:
                events = self.signal.events()
            else:
                events = poll_one(<Handle> socket, ZMQ_POLLIN | ZMQ_POLLOUT, 0)
        except ZMQError as error:
            self.grip.readiness.forget()
            self.broken(error)
            return 0
        socket = None  # a task that runs at once may drop it
        self.grip.readiness.look(events)
        try:
            self._serve(events, without, at_once)
        except BaseException:  # of a task that ends the program; the others are still to be served
            self.grip.used()
            raise
        return events

    cdef int _serve(self, int events, int without, bint at_once) except -1:
        # Those who only look come first: tasks that run at once may change what holds, and what
        # they begin to wait for has not been seen yet.
        if self.pollers.queue:
            self.pollers.serve(events, at_once)
        if self.receivers.queue:
            self.receivers.serve(events & ~without, at_once)
        if self.senders.queue:
            self.senders.serve(events & ~without, at_once)
        return 0

    def broken(self, error):
        """EVENTS cannot be read any more."""
        raise NotImplementedError
