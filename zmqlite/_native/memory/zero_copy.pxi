# Memory lent to libzmq: Python's side of zero_copy.hpp, and the tracker that tells when it is over.

cdef extern from "memory/zero_copy.hpp" namespace "zmqlite" nogil:
    ctypedef struct Leased:
        void *data
        PyObject *owner
    void stop_pending_calls()
    void renew_after_fork()
    bint has_deferred_releases()
    void wait_returned(double seconds)

cdef extern from "memory/zero_copy.hpp" namespace "zmqlite":
    void (*finish_lease)(PyObject *tracker) noexcept
    void run_deferred_releases()
    bint zero_copy_object(zmq_msg_t *msg, PyObject *owner, PyObject *tracker)
    bint zero_copy_view(zmq_msg_t *msg, Py_buffer *view, PyObject *tracker)
    PyObject *leased_object(zmq_msg_t *msg, Py_ssize_t size)
    PyObject *take_leased(zmq_msg_t *msg, Py_ssize_t size)
    void close_here(zmq_msg_t *msg)
    Leased *all_leased(size_t *count)

# From this size on, immutable bytes are lent to libzmq instead of copied. Measured: below it the lease
# and its release cost more than the copy. See docs/performance.md.
cdef Py_ssize_t ZERO_COPY_MIN = 1536
BORROW_THRESHOLD = ZERO_COPY_MIN

# The same for a socket that has only had inproc endpoints: there the receiver ends the lease.
cdef Py_ssize_t ZERO_COPY_MIN_INPROC = 512 if LIBZMQ_LENDS else ZERO_COPY_MIN
INSIDE_THRESHOLD = ZERO_COPY_MIN_INPROC

# From this size on a copy lets other threads have the GIL.
cdef Py_ssize_t BIG_COPY = 262144


cdef void finish(PyObject *tracker) noexcept:
    (<MessageTracker> tracker)._pending -= 1


finish_lease = finish


cdef inline void drain() noexcept:
    if has_deferred_releases():
        run_deferred_releases()


def loans():
    """Return what is lent to libzmq now, by its address: the bytes themselves, or None for the memory
    of something else."""
    cdef size_t count, place
    cdef Leased *entries
    drain()
    entries = all_leased(&count)
    lent = {}
    for place in range(count):
        if entries[place].owner == NULL:
            lent[<size_t> entries[place].data] = None
        else:
            lent[<size_t> entries[place].data] = owner = <object> entries[place].owner
            Py_DECREF(owner)  # `all_leased` gave us a reference of our own
    free(entries)
    return lent


cdef class MessageTracker:
    """MessageTracker(*towatch)

    Tell when libzmq has let go of the memory of one or more messages sent without a copy.

    ``towatch`` are trackers, frames, or objects with ``is_set()`` such as ``threading.Event``.
    """

    def __cinit__(self, *towatch):
        watched = []
        for item in towatch:
            if isinstance(item, Frame):
                item = (<Frame> item).tracker
                if item is None:
                    raise ValueError("this frame is not tracked: make it with track=True")
            if not isinstance(item, MessageTracker) and not hasattr(item, "is_set"):
                raise TypeError(
                    "a tracker watches trackers, frames and events, not "
                    f"{type(item).__name__!r}")
            watched.append(item)
        self._watched = tuple(watched)

    cdef bint _is_done(self) except -1:
        cdef list left = [self]  # not by recursion: a program may chain trackers for as long as it runs
        cdef set seen = set()
        while left:
            tracker = left.pop()
            if id(tracker) in seen:
                continue
            seen.add(id(tracker))
            if (<MessageTracker> tracker)._pending:
                return False
            for item in (<MessageTracker> tracker)._watched:
                if isinstance(item, MessageTracker):
                    left.append(item)
                elif not item.is_set():
                    return False
        return True

    @property
    def done(self):
        """Whether libzmq has let go of every message. Never blocks."""
        drain()
        return self._is_done()

    def is_set(self):
        """Return ``done``; so a tracker may be watched like an event."""
        return self.done

    def wait(self, timeout=-1):
        """Wait until libzmq has let go of every message.

        ``timeout`` is in seconds; None or a negative number waits for ever. Other threads run
        meanwhile, and signals are handled. Raises NotDone when the time is over first.
        """
        cdef double end = -1
        cdef double left = 0.05
        cdef double limit = limit_of("wait", timeout, "seconds")
        if limit >= 0:
            end = now() + limit
        while not self.done:
            if end >= 0:
                left = min(0.05, end - now())
                if left <= 0:
                    raise NotDone(f"libzmq still holds the memory of the message after {timeout} s")
            with nogil:
                wait_returned(left)
            PyErr_CheckSignals()

    def __repr__(self):
        return f"<zmqlite.MessageTracker {'done' if self.done else 'pending'} at {id(self):#x}>"

