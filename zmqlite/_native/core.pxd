"""Shapes of the compiled classes, for the core itself and for people who cimport them."""

from cpython.object cimport PyObject
from libc.stdint cimport uint32_t, uint64_t
from libcpp.string cimport string
from libcpp.vector cimport vector

from .libzmq cimport zmq_msg_t, zmq_pollitem_t


cdef extern from "base/guard.hpp" namespace "zmqlite" nogil:
    ctypedef struct ThreadGuard:
        pass
    ctypedef struct Once:
        pass

cdef extern from "base/termination.hpp" namespace "zmqlite" nogil:
    ctypedef int (*GetOption)(void *context, int option, void *value, size_t *size) noexcept
    cdef cppclass Unsent:
        bint read(void *context, GetOption get, int again)
        size_t sockets()
        uint64_t moves()
        uint64_t messages()
        size_t address(size_t place)
        uint64_t unsent(size_t place)
    ctypedef struct TermCalls:
        int (*term)(void *) noexcept
        int (*last_error)() noexcept
        GetOption get
        int interrupted
        int again
    cdef cppclass Termination:
        bint wait(double seconds)
        int error()
        bint waits_for(uint64_t *messages, uint64_t *moves)
    Termination *begin_termination(void *context, TermCalls calls)
    cdef cppclass LeftBehind:
        Termination *ending
        double patience
        double limit
        double kept
        string names


cdef extern from "socket/start_check.hpp" namespace "zmqlite" nogil:
    cdef cppclass Schedule:
        int policy
        int priority
        vector[int] cpus
    bint descriptors_left(int count)
    int threads_left(int count, const Schedule *how)


cdef extern from "poll/epoll.hpp" namespace "zmqlite" nogil:
    ctypedef struct Readable:
        pass
    ctypedef struct Wakeup:
        pass


cdef extern from "poll/hits.hpp" namespace "zmqlite":
    cdef cppclass Hits:
        bint add(PyObject *watch, int place, int fd, int events)
        int ready()
        void sort()
        int count()
        PyObject *watch(int number)
        int fd(int number)
        int events(int number)


cdef class Poller
cdef class Watch
cdef class Frame
cdef class MessageTracker
cdef class ReadyFD


cdef class Context:
    cdef object __weakref__
    cdef void *handle            # NULL once terminated, or in the child of a fork
    cdef void *_sockets          # borrowed: the first Socket of a chain
    cdef void *_next             # borrowed: the chain of all contexts
    cdef void *_previous
    cdef double _last_close      # of one of its sockets; see shortage.pxi
    cdef Schedule _schedule      # of libzmq's threads, as far as it was set
    cdef Termination *_termination         # a termination that runs in a thread of its own
    cdef bint _shadow            # a second handle, which ends nothing
    cdef void *_owner            # borrowed: of a second handle on a context of ours, the one that ends it
    cdef bint _orphan            # closed since its owner ended: libzmq, and so pyzmq, say EFAULT then
    cdef bint _started           # a socket was made: libzmq's threads run
    cdef bint _shut
    cdef bint _ends              # a thread is inside zmq_ctx_term: the handle may be gone any moment
    cdef int _state
    cdef Once _once
    cdef dict _lingering         # closed sockets that may have messages to send: see ending.pxi
    cdef Py_ssize_t _lingering_limit
    cdef list _closed_places     # where sockets that were closed last were bound: see ending.pxi

    cdef int _make(self, int io_threads) except -1
    cdef int _check(self, Context owner) except -1
    cdef int _start(self) except -1
    cdef int _close_idle(self) except -1
    cdef int _give_back(self) except -1


cdef class Handle:
    # compiled code that was made for pyzmq knows this beginning: see pyzmq/backend/cython/_zmq.pxd
    cdef object __weakref__
    cdef void *handle            # NULL once closed, or in the child of a fork
    # looked at for each message: together, for sockets by the thousand are not in the cache
    cdef ThreadGuard _guard
    cdef void *_watch            # borrowed: the pollers' items that must hear of each use
    cdef Py_ssize_t _zero_copy_min      # bytes of this size and more are lent
    cdef bint _thread_safe
    cdef bint _special           # RADIO, DGRAM: sizes are checked before libzmq sees them
    cdef bint _inproc            # it has an inproc endpoint: the peer may be a thread that wants the GIL
    cdef int _send_more          # the last part sent said that more follow; DROPPING: and was lost
    cdef bint _recv_more
    cdef bint _asked             # a send let the GIL go for an answer that has not been received
    cdef unsigned char _waits    # how far a receive is expected to wait: see EXPECT_WAIT
    cdef unsigned char _spin_misses   # how often in a row looking out for an answer was in vain
    cdef unsigned char _spin_skips   # how many waits do not look out, for that reason
    cdef unsigned char _beside_loop   # whether a loop ran in the thread that waited first: see look_for_loop

    cdef Context _context
    cdef void *_next             # borrowed: the chain of the context's sockets
    cdef void *_previous
    cdef readonly int _type_number
    cdef public Py_ssize_t copy_threshold
    cdef bint _shadow
    cdef bint _exposed           # the address was given away: it may be used behind our back
    cdef bint _udp               # an udp endpoint was bound or connected
    cdef bint _outside           # an endpoint that leaves the process was
    cdef bint _subscribed        # a topic, or of a DISH a group
    cdef bint _linger_set        # by the program
    cdef int _state
    cdef list _endpoints
    cdef dict _peer_ids          # CONNECT_ROUTING_IDs in use, and the endpoint of each
    cdef bytes _next_peer_id
    cdef object _loop_handle     # of the event loop that serves it
    cdef void *_ready_fds        # borrowed: the chain of its ReadyFDs
    cdef Once _once

    cdef int _make(self, Context context, int socket_type, size_t address) except -1
    cdef int _open(self, Context context, int socket_type) except -1
    cdef object _attached(self, object address, const char *text)


cdef class Socket(Handle):
    pass


cdef class Frame:
    cdef object __weakref__
    cdef zmq_msg_t msg
    cdef object _bytes
    cdef object _view            # a weak reference to the memoryview that is still in use
    cdef bint _readonly
    cdef public bint more
    cdef public MessageTracker tracker

    cdef bint _take(self, zmq_msg_t *fresh, bint readonly) noexcept
    cdef bint _is_readonly(self) noexcept
    cdef Frame _shared(self)


cdef class MessageTracker:
    cdef object __weakref__
    cdef int _pending
    cdef tuple _watched

    cdef bint _is_done(self) except -1


cdef class ReadyFD:
    cdef Handle _socket
    cdef void *_poller           # libzmq's
    cdef void *_next             # borrowed: the next signal of the same socket
    cdef bint _linked            # in the chain of its socket
    cdef Once _once

    cdef int _open(self, Handle socket) noexcept


cdef class Poller:
    cdef object __weakref__
    cdef ThreadGuard _guard            # a poller, like a socket, serves one thread at a time
    cdef Wakeup _wake
    cdef dict _watches           # source -> Watch, in the order of registration
    cdef dict _numbers           # descriptor -> the Watch in the set
    cdef bint _stale             # the set may know what is no watch any more: make a new one
    cdef void *_dirty              # borrowed: the chain of watches whose EVENTS must be read at the next poll
    cdef void *_dirty_last
    cdef int _dirty_count
    cdef Readable *_found        # room for what epoll reports
    cdef int _room
    cdef int _set                # the epoll descriptor, -1 before the first registration
    cdef int _wakeup_fd               # wakes a thread that sleeps in _set, -1 without one
    cdef readonly int _registered  # how often the members changed; the order of registration
    cdef int _turn
    cdef unsigned int _forks
    cdef bint _plain             # something here cannot be watched through epoll: use zmq_poll
    # Polled by an event loop, else None: what wakes its polls that wait. Members' tasks are to hear what one has heard.
    cdef public set _waits

    cdef bint _watch(self, Watch watch, zmq_pollitem_t *item) except -1
    cdef bint _watch_socket(self, Watch watch, Handle socket) except -1
    cdef int _open_patiently(self) except -1
    cdef int _open_set(self) except -1
    cdef Watch _add(self, Watch watch, object source, int flags)
    cdef Watch _drop(self, object source)
    cdef int _examine(self) except -1
    cdef int _renew(self) except -1
    cdef int _reserve(self, int count) except -1
    cdef int _epoll(self, long timeout, int waits) except? -1
    cdef bint _wait(self, double limit, double end, Hits *hits, int waits) except -1
    cdef list _poll_plainly(self, double limit)
    cdef int _wake_waits(self) except -1
    cdef int _check_found(self, int count, Hits *hits) except -1
    cdef int _check_dirty(self, Hits *hits) except -1
    cdef int _check(self, Watch watch, int events, Hits *hits) except -1
    cdef int _read_events(self, Watch watch, Hits *hits) except -1
    cdef list _report(self, Hits *hits)


cdef class Watch:
    cdef object source
    cdef Poller poller
    cdef void *next              # borrowed: the next watch of the same socket
    cdef void *dirty_next          # ... and of the poller's dirty ones
    cdef void *dirty_previous
    cdef int fd                  # -1: none
    cdef int number              # the same, as the poller has it in `_numbers`, until it is dropped
    cdef int events
    cdef int place               # the order of registration
    cdef int turn                # the last poll that reported it
    cdef bint is_socket
    cdef bint linked             # in the chain of its socket
    cdef bint dirty
    cdef bint always_dirty             # others use the socket behind our back: never clean
    cdef bint closed
