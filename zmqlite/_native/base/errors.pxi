# The failure branch: from a return code of libzmq to an exception that says operation, socket, reason
# and next step. Nothing here runs on success.

cimport cython
from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE)
from cpython.buffer cimport (
    PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_CheckBuffer,
    PyObject_GetBuffer)
from cpython.contextvars cimport PyContext_CopyCurrent
from cpython.exc cimport PyErr_CheckSignals, PyErr_Clear, PyErr_ExceptionMatches
from cpython.memoryview cimport PyMemoryView_FromObject
from cpython.weakref cimport PyWeakref_NewRef
from cpython.object cimport PyObject
from cpython.pythread cimport PyThread_get_thread_ident
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_REFCNT
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.errno cimport (
    EAGAIN, EBUSY, EFAULT, EINTR, EINVAL, EMFILE, EMSGSIZE, ENFILE, ENOBUFS, ENODEV, ENOENT, ENOMEM, EPERM,
    errno)
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset, strlen, strncmp

from .libzmq cimport *

import gc
import os
import threading
import warnings

from ..constants import SocketType
from ..error import Again, ClosedContext, ClosedSocket, ForkError, NotDone, ThreadMisuse, ZMQError, error_for

cdef extern from "Python.h":
    int get_buffer "PyObject_GetBuffer"(object data, Py_buffer *view, int flags) noexcept  # tells by -1
    Py_ssize_t PySequence_Fast_GET_SIZE(object sequence) noexcept
    PyObject *PySequence_Fast_GET_ITEM(object sequence, Py_ssize_t place) noexcept  # borrowed
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *data, Py_ssize_t size) noexcept  # by NULL

cdef extern from "base/keywords.hpp":
    pass

cdef extern from "base/guard.hpp" namespace "zmqlite" nogil:
    void guard_reset(ThreadGuard *guard)
    bint guard_in_use(ThreadGuard *guard)
    bint guard_acquire(ThreadGuard *guard, bint shared)
    void guard_release(ThreadGuard *guard, bint shared)
    void guard_mark(ThreadGuard *guard, bint shared)
    void guard_unmark(ThreadGuard *guard, bint shared)
    bint guard_visit(ThreadGuard *guard, bint shared)
    void guard_leave(ThreadGuard *guard)
    bint guard_claim(ThreadGuard *guard, bint shared)
    void guard_unclaim(ThreadGuard *guard, bint shared)
    unsigned long guard_thread(ThreadGuard *guard)
    bint once_claim(Once *once)
    void once_release(Once *once)
    void full_fence()
    double now()
    void pause_thread(double seconds)
    void set_errno(int error)
    bint usable_fd(int fd)
    int copy_fd(int fd)

cdef extern from "base/guard.hpp" namespace "zmqlite":
    void registry_lock()
    void registry_unlock()
    PyObject *registry_object(void *place)
    void registry_member(void *place)

cdef enum:  # the life of a handle
    OPEN = 1
    CLOSED = 2
    FORKED = 3

cdef enum:  # Handle._send_more: the peer of an unfinished message has gone, what follows is lost too
    DROPPING = 2

# How long a call may stay inside before it lets other threads run and looks at signals.
cdef double SLICE = 0.001

DRAFT_API = bool(ZMQLITE_DRAFTS)

RECEIVE_ONLY = frozenset((SocketType.PULL, SocketType.SUB, SocketType.DISH, SocketType.GATHER))
SEND_ONLY = frozenset((SocketType.PUSH, SocketType.PUB, SocketType.RADIO, SocketType.SCATTER))


def strerror(int errno) -> str:
    """Return libzmq's text for an error number (zmq_strerror)."""
    return zmq_strerror(errno).decode("utf-8", "replace")


def zmq_errno() -> int:
    """Return the error number of this thread's last failed libzmq call (zmq_errno).

    Meaningful only right after a failure; exceptions carry their own ``errno``.
    """
    return libzmq_errno()


cdef str type_name(int number):
    try:
        return SocketType(number).name
    except ValueError:
        return f"type {number}"


cdef str thread_name(unsigned long ident):
    for thread in threading.enumerate():
        if thread.ident == ident:
            return thread.name
    return f"thread {ident}"


cdef str subject_of(Handle socket):
    name = type_name(socket._type_number) + " socket"
    if socket._endpoints:
        shown = ", ".join(socket._endpoints[:3])
        return f"{name} ({shown}{', ...' if len(socket._endpoints) > 3 else ''})"
    return name


cdef str next_step(int error, str operation, int type_number):
    """What the user can do about `error`, or the empty text."""
    if error == ETERM:
        return "the context was terminated or shut down; close this socket"
    if error == EFSM:
        if type_number == ZMQ_REQ:
            if operation.startswith("send"):
                return "a REQ socket waits for the reply to its last request: recv first, or set REQ_RELAXED " \
                       "and REQ_CORRELATE (without that one, a late reply is taken for the next one)"
            return "a REQ socket has no request in flight: send first"
        if type_number == ZMQ_REP:
            if operation.startswith("send"):
                return "a REP socket has no request to answer: recv first"
            return "a REP socket owes the reply to its last request: send first"
        return ""
    if error == EAGAIN:
        if operation.startswith("send"):
            return "no peer can take a message now: nobody is connected, or the high-water mark is reached"
        return "no message is waiting"
    if error == ENOTSUP:
        if (operation.startswith("recv") or operation == "iterate") and type_number in SEND_ONLY:
            return f"a {type_name(type_number)} socket only sends"
        if operation.startswith("send") and type_number in RECEIVE_ONLY:
            return f"a {type_name(type_number)} socket only receives"
        if not ZMQLITE_DRAFTS:
            return "this libzmq was built without the draft API"
        if operation in ("join", "leave"):
            return f"only a DISH joins groups, not a {type_name(type_number)}" + (
                ": use subscribe()" if type_number == ZMQ_SUB else "")
        return f"a {type_name(type_number)} socket cannot do this"
    if error == EHOSTUNREACH:
        return "no connected peer has that routing id"
    if error == EADDRINUSE:
        if operation == "monitor":
            return "a socket of this context has that name already: choose another"
        return "another socket is bound there: choose another address, or port * for a free one"
    if error == ENODEV:
        return "no network interface of this machine has that name or address"
    if error == EINVAL and operation.startswith("send") and type_number >= 12:
        return "this socket type carries single-part messages: SNDMORE is refused"
    return ""


cdef object failure(int error, str operation, str subject, str hint):
    return error_for(error, operation, subject, hint, strerror(error))


cdef int fail(int error, str operation, str subject, str hint="") except -1:
    raise failure(error, operation, subject, hint)
