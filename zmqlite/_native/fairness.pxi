# How much of one pass of an event loop the sockets that are always ready may use. It knows no loop.

cdef extern from "relief.hpp" namespace "zmqlite" nogil:
    double thread_seconds()
    bint other_threads()
    void nap()

# Other threads. Who waits for the GIL asks for it after the interpreter's switch interval, 5 ms, and begins
# to count anew each time it is let go. A loop lets it go in each pass, and one that never has to wait has
# it back before a waiter is awake: passes of a millisecond keep every other thread out for seconds. So a
# loop that was busy all the time since then takes a nap, now and then.

cdef double RELIEF = 0.005      # seconds between two naps; with a pass on top less than the 10 ms promised
cdef double BUSY = 0.2          # the part of that time that counts as busy: a busy machine takes its own

cdef class Turn:
    """Turn(call_soon, quiet=8): how much of one pass of a loop its sockets may use, together.

    Operations that can be done at once never suspend their task, so a flooded socket would keep the
    loop to itself. After ``seconds`` or ``count`` of them in one pass the next one has to wait for the
    next pass. The clock starts behind the first ``quiet`` ones, when ``call_soon`` is given ``end``, so
    that quiet sockets pay nothing. ``clock`` may be set to a callable that tells the time in seconds.
    """

    cdef object _call_soon
    cdef readonly int used
    cdef int _free           # how many come before the clock starts
    cdef int _count
    cdef int _quiet
    cdef int _passes         # how many are over, as far as was noticed
    cdef bint _timed         # the clock was started, and `end` is arranged
    cdef double _start
    cdef Once _once
    cdef double _relieved    # when others could have the GIL, and what this thread had worked then
    cdef double _worked
    cdef public double seconds
    cdef public object clock

    def __init__(self, call_soon, int quiet=8):
        if not once_claim(&self._once):
            raise RuntimeError("a turn is initialised once")
        self._call_soon = call_soon
        self._quiet = quiet
        self.count = 4096
        self.seconds = 0.001

    @property
    def count(self):
        return self._count

    @count.setter
    def count(self, int most):
        self._count = most
        self._free = min(self._quiet, max(most - 1, 0))

    cdef inline double _now(self) except? -1:
        return now() if self.clock is None else self.clock()

    cpdef bint take(self) except -1:
        """Count one operation; return whether it may be done in this pass."""
        self.used += 1
        if self.used <= self._free:
            return True
        if not self._timed:  # not by the number: the limits may change in the middle of a pass
            self._begin()
            return self._count > 0
        return self.used <= self._count and self._now() - self._start < self.seconds

    cpdef int weigh(self, double seconds) except -1:
        """Say how long the operation took that was counted last. A long one starts the clock.

        From its end: it may have been another process that took the time.
        """
        if not self._timed and seconds > self.seconds / 8:
            self.used = max(self.used, self._free + 1)
            self._begin()
        return 0

    cdef int _begin(self) except -1:
        self._timed = True
        self._start = self._now()
        self._call_soon(self.end)
        return 0

    @property
    def spent(self):
        """How long ago the clock was started in this pass; 0 if it was not."""
        return self._now() - self._start if self._timed else 0.0

    cpdef int end(self) except -1:
        """A pass is over, the loop says."""
        self.reset()
        self.relieve()
        return 0

    cdef inline int relieve(self) except -1:
        """For a moment between two tasks: let other threads have the GIL if they could not for long."""
        if not ZMQLITE_FREE_THREADED and now() - self._relieved >= RELIEF:
            self._nap()
        return 0

    cdef int _nap(self) except -1:
        cdef double worked = thread_seconds()
        cdef double time = now()
        if worked - self._worked >= (time - self._relieved) * BUSY and other_threads():
            with nogil:
                nap()
            time = now()
        self._relieved = time
        self._worked = worked
        return 0

    cpdef int reset(self) except -1:
        """A new pass begins."""
        self.used = 0
        self._timed = False
        self._passes += 1
        return 0

    cdef int told(self, int last) except -1:
        """Somebody is called whom the loop calls once in a pass; `last` is what was answered then.

        If nobody has noticed the end of a pass since, it is over now: who waits for each message needs
        no `reset`, and the loop no pass for it.
        """
        if last == self._passes and not self._timed:
            self.reset()
        return self._passes
