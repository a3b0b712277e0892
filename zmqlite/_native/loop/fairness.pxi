# How much of one iteration of an event loop the sockets that are always ready may use. It knows no loop.

cdef extern from "loop/relief.hpp" namespace "zmqlite" nogil:
    double thread_seconds()
    bint other_threads()
    void nap()

# Other threads. A thread that waits for the GIL asks for it after the interpreter's switch interval, 5 ms, and begins
# to count anew each time it is let go. A loop lets it go in each iteration, and one that never has to wait has
# it back before a waiter is awake: iterations of a millisecond keep every other thread out for seconds. So a
# loop that was busy all the time since then takes a nap, now and then.

cdef double RELIEF = 0.005      # seconds between two naps; with an iteration on top less than the 10 ms promised
cdef double BUSY = 0.2          # the part of that time that counts as busy: a busy machine takes its own


cdef class FairnessBudget:
    """FairnessBudget(call_soon, grace=8): how much of one iteration of a loop its sockets may use, together.

    Operations that can be done at once never suspend their task, so a flooded socket would keep the
    loop to itself. After ``seconds`` or ``count`` of them in one iteration the next one has to wait for
    the next. The clock starts behind the first ``grace`` ones, when ``call_soon`` is given ``end``, so
    that quiet sockets pay nothing. ``clock`` may be set to a callable that tells the time in seconds.

    Where a task that has to wait for the next iteration is suspended in the middle of its call, it says
    so with ``pause`` and ``resume``. Those that paused share the next iteration: each has its part of
    what is left when it goes on, so that together they stay within the limit.
    """

    cdef object _call_soon
    cdef readonly int used
    cdef int _free           # how many come before the clock starts
    cdef int _grace
    cdef int _iterations     # how many are over, as far as was noticed
    cdef bint _timed         # the clock was started, and `end` is arranged
    cdef double _start
    cdef double _last        # when the last operation was counted, since then
    cdef Once _once
    cdef double _relieved    # when others could have the GIL, and what this thread had worked then
    cdef double _worked
    cdef double _seconds     # the limits ...
    cdef int _count
    cdef double _left        # ... what is left of them in this iteration for those that paused
    cdef int _count_left
    cdef double _share       # ... and what may be used now
    cdef int _count_share
    cdef bint _divided       # what may be used now is not all of it
    cdef bint _arranged      # `end` will be called
    cdef int _paused         # how many paused in this iteration
    cdef int _due            # of those that paused in the last one, how many did not go on yet
    cdef public object clock

    def __init__(self, call_soon, int grace=8):
        if not once_claim(&self._once):
            raise RuntimeError("a budget is initialised once")
        self._call_soon = call_soon
        self._grace = grace
        self.seconds = 0.001
        self.count = 4096

    @property
    def seconds(self):
        return self._seconds

    @seconds.setter
    def seconds(self, double most):
        self._seconds = self._left = self._share = most

    @property
    def count(self):
        return self._count

    @count.setter
    def count(self, int most):
        self._count = self._count_left = max(most, 0)
        self._divide(1)

    cdef int _divide(self, int parts) noexcept:
        self._share = self._left / parts
        self._count_share = self._count_left // parts
        self._free = 0 if self._divided else min(self._grace, max(self._count_share - 1, 0))
        return 0

    cdef inline double _now(self) except? -1:
        return now() if self.clock is None else self.clock()

    cpdef bint consume(self) except -1:
        """Count one operation; return whether it may be done in this iteration."""
        self.used += 1
        if self.used <= self._free:
            return True
        if not self._timed:  # not by the number: the limits may change in the middle of an iteration
            self._start_clock()
            return self._count_share > 0
        self._last = self._now()
        return self.used <= self._count_share and self._last - self._start < self._share

    cpdef int charge(self, double seconds) except -1:
        """Say how long the operation took that was counted last. A long one starts the clock.

        From its end: it may have been another process that took the time.
        """
        if not self._timed and seconds > self._share / 8:
            self.used = max(self.used, self._free + 1)
            self._start_clock()
        return 0

    cdef int _start_clock(self) except -1:
        self._timed = True
        self._start = self._last = self._now()
        return self._arrange_end()

    cdef int _arrange_end(self) except -1:
        if not self._arranged:
            self._call_soon(self.end)
            self._arranged = True
        return 0

    @property
    def elapsed(self):
        """How long ago the clock was started in this iteration; 0 if it was not."""
        return self._now() - self._start if self._timed else 0.0

    cpdef int end(self) except -1:
        """An iteration is over, the loop says."""
        self._arranged = False
        self._begin_anew()
        self.relieve()
        return 0

    cpdef int pause(self) except -1:
        """A task pauses until the next iteration."""
        self._paused += 1
        return self._arrange_end()

    cpdef int resume(self) except -1:
        """One of those that paused goes on, with the operation for which it had to pause."""
        if self._timed:
            self._left = max(self._left - (self._last - self._start), 0.0)
        self._count_left = max(self._count_left - self.used, 0)
        self.reset()
        self._divided = True
        self._divide(max(self._due, 1))
        self._due = max(self._due - 1, 0)
        self.consume()
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
        """Nothing is used yet."""
        self.used = 0
        self._timed = False
        self._iterations += 1
        return 0

    cdef int _begin_anew(self) except -1:
        self.reset()
        if self._paused or self._divided:
            self._due = self._paused
            self._paused = 0
            self._left = self._seconds
            self._count_left = self._count
            self._divided = self._due > 0
            self._divide(self._due + 1)  # another task may come before those that paused
        return 0

    cdef int iteration_seen(self, int last) except -1:
        """What a loop calls once in an iteration is called; `last` is what was answered then.

        If the end of an iteration was not noticed since, it is over now: what waits for each message needs
        no `end`, and the loop no iteration for it.
        """
        if last == self._iterations and not self._arranged and self._due == 0:
            self._begin_anew()
        return self._iterations
