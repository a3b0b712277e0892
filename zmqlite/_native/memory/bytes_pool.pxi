# BytesPool: Python's side of bytes_pool.hpp, the memory of large bodies that is used again.

cdef extern from "memory/bytes_pool.hpp" namespace "zmqlite":
    cppclass BytesPool:
        @staticmethod
        bint fits(size_t size) noexcept nogil
        void *take_or_make(size_t size, void **hint)
        PyObject *publish(void *hint, size_t size)
        PyObject *allocate(size_t size)
        bint missed()
        void refill(size_t size)
        void note_missed()
        void recycle_now()
        void clear()
        void renew()
        size_t held()
    BytesPool bytes_pool
    size_t LARGEST_BLOCK "zmqlite::BytesPool::most"
    size_t IDLE_LEAST "zmqlite::BytesPool::idle_least"

cdef extern from "memory/idle.hpp" namespace "zmqlite":
    ctypedef struct IdleHandle:
        pass
    IdleHandle *end_idle_watch(bint finished)
    void await_idle_watch(IdleHandle *watch) nogil
    void forget_idle_watch()
    void note_large()
    void trim_memory() noexcept nogil

cdef extern from "memory/bytes_pool.hpp" namespace "zmqlite":
    void pool_give(void *data, void *hint) noexcept nogil
    void offer_pool()

offer_pool()


def held_bytes():
    """Return how many bytes of memory are kept for large bodies, those in use included."""
    return bytes_pool.held()


cdef inline object new_body(Py_ssize_t size):
    """A bytes object of this size, to be filled before anybody sees it."""
    cdef PyObject *made
    if ZMQLITE_BLOCKS and BytesPool.fits(size):
        made = bytes_pool.allocate(size)
        if made == NULL:
            raise MemoryError
        return own(made)
    if size > <Py_ssize_t> LARGEST_BLOCK:
        note_large()
    return PyBytes_FromStringAndSize(NULL, size)


cdef int init_room(zmq_msg_t *msg, size_t size) noexcept:
    """zmq_msg_init_size, with a block for the body if it is large."""
    cdef void *hint
    cdef void *data
    if ZMQLITE_BLOCKS and BytesPool.fits(size):
        data = bytes_pool.take_or_make(size, &hint)
        if data != NULL:
            if zmq_msg_init_data(msg, data, size, pool_give, hint) == 0:
                return 0
            pool_give(data, hint)
    elif size > LARGEST_BLOCK:
        note_large()
    return zmq_msg_init_size(msg, size)


cdef inline void refill_pool(zmq_msg_t *msg) noexcept:
    """A part was received that stays in libzmq's memory."""
    if ZMQLITE_BLOCKS and bytes_pool.missed() and BytesPool.fits(zmq_msg_size(msg)):
        bytes_pool.refill(zmq_msg_size(msg))
