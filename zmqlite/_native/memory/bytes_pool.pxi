# Blocks: Python's side of bytes_pool.hpp, the memory of large bodies that is used again.

cdef extern from "memory/bytes_pool.hpp" namespace "zmqlite":
    cppclass Blocks:
        @staticmethod
        bint fits(size_t size) noexcept nogil
        void *take_or_make(size_t size, void **hint)
        PyObject *hand_out(void *hint, size_t size)
        PyObject *fresh(size_t size)
        bint missed()
        void supply(size_t size)
        void recycle_now()
        void clear()
        void renew()
        size_t held()
    Blocks blocks
    size_t LARGEST_BLOCK "zmqlite::Blocks::most"
    size_t IDLE_LEAST "zmqlite::Blocks::idle_least"

cdef extern from "memory/idle.hpp" namespace "zmqlite":
    ctypedef struct IdleHandle:
        pass
    IdleHandle *end_idle_watch(bint finished)
    void await_idle_watch(IdleHandle *watch) nogil
    void forget_idle_watch()
    void note_large()
    void trim_memory() noexcept nogil

cdef extern from "memory/bytes_pool.hpp" namespace "zmqlite":
    void give_block(void *data, void *hint) noexcept nogil
    void offer_blocks()

offer_blocks()


def held_blocks():
    """Return how many bytes of memory are kept for large bodies, those in use included."""
    return blocks.held()


cdef inline object new_body(Py_ssize_t size):
    """A bytes object of this size, to be filled before anybody sees it."""
    cdef PyObject *made
    if ZMQLITE_BLOCKS and Blocks.fits(size):
        made = blocks.fresh(size)
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
    if ZMQLITE_BLOCKS and Blocks.fits(size):
        data = blocks.take_or_make(size, &hint)
        if data != NULL:
            if zmq_msg_init_data(msg, data, size, give_block, hint) == 0:
                return 0
            give_block(data, hint)
    elif size > LARGEST_BLOCK:
        note_large()
    return zmq_msg_init_size(msg, size)


cdef inline void supply_block(zmq_msg_t *msg) noexcept:
    """A part was received that stays in libzmq's memory."""
    if ZMQLITE_BLOCKS and blocks.missed() and Blocks.fits(zmq_msg_size(msg)):
        blocks.supply(zmq_msg_size(msg))
