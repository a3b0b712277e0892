"""What compiled code may know of our classes: the handles. All else goes through Python.

They are declared by the beginning of their layout, which will not change, so that code compiled
today works with a later zmqlite, and as C as well as C++.
"""

from zmqlite._native.libzmq cimport zmq_msg_t


cdef extern from *:
    """
    #include <zmq.h>
    typedef struct { PyObject_HEAD void *methods; PyObject *weakrefs; void *handle; } zmqlite_handle;
    typedef struct { PyObject_HEAD void *methods; PyObject *weakrefs; zmq_msg_t zmq_msg; } zmqlite_frame;
    """

    ctypedef class zmqlite.pyzmq.sugar.context.Context [object zmqlite_handle, check_size ignore]:
        cdef void *handle        # NULL once closed

    ctypedef class zmqlite.pyzmq.sugar.socket.Socket [object zmqlite_handle, check_size ignore]:
        cdef void *handle        # NULL once closed

    ctypedef class zmqlite.frame.Frame [object zmqlite_frame, check_size ignore]:
        cdef zmq_msg_t zmq_msg
