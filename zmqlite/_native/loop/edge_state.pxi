# When an event loop must look at a socket: the rules of FD and EVENTS, without any I/O.
#
# A socket's descriptor (FD) is edge-triggered: it turns readable when the socket's state may have changed,
# and any call on the socket may take that news in place of the task that waits for it. So:
#
# 1. When the descriptor is readable, read EVENTS (that clears it) and wake the tasks that they concern.
# 2. After any call on the socket while a task waits, read EVENTS once more, soon: the call may have
#    cleared the descriptor.
# 3. A task that begins to wait, or stops waiting without having used what woke it, has EVENTS read.
# 4. One look at a time: what happens while a look is due is seen by that look.
#
# Loops differ only in how they wait for the descriptor and in how they run something soon.


cdef class Readiness:
    """What one socket's waiters want, and whether a look at EVENTS is due."""

    cdef int _receiving      # how many wait for each direction
    cdef int _sending
    cdef public bint _due

    @property
    def wanted(self):
        """The mask of directions that are waited for."""
        return self._wanted()

    @property
    def due(self):
        """Whether a look is due and not done yet."""
        return self._due

    cdef inline int _wanted(self) noexcept:
        return (ZMQ_POLLIN if self._receiving else 0) | (ZMQ_POLLOUT if self._sending else 0)

    cpdef bint begin(self, int mask) except -1:
        """A waiter begins to wait. Returns whether a look must be arranged now (rule 3)."""
        self._receiving += 1 if mask & ZMQ_POLLIN else 0
        self._sending += 1 if mask & ZMQ_POLLOUT else 0
        return self._arrange()

    cpdef bint end(self, int mask) except -1:
        """A waiter waits no more. Returns whether the others need a look (rule 3)."""
        self._receiving -= 1 if mask & ZMQ_POLLIN else 0
        self._sending -= 1 if mask & ZMQ_POLLOUT else 0
        return self._arrange()

    cpdef bint used(self) except -1:
        """The socket was used. Returns whether a look must be arranged (rule 2)."""
        return self._arrange()

    cpdef int look(self, int events) except -1:
        """EVENTS were read. Returns the directions to wake; those are woken until a later look."""
        self._due = False
        return events & self._wanted()

    cpdef int forget(self) except -1:
        """The arranged look will not come: the loop is gone, or the socket closed."""
        self._due = False
        return 0

    cpdef bint _arrange(self) except -1:
        if self._due or not self._wanted():
            return False
        self._due = True
        return True
