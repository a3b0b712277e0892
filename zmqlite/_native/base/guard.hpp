/* Who is inside a socket, and what the clock says. */
#ifndef ZMQLITE_GUARD_HPP
#define ZMQLITE_GUARD_HPP

#include <Python.h>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#endif

namespace zmqlite
{
/* A socket belongs to one thread at a time. With the GIL a call that keeps it needs no mark: nobody
   else can get in. Only a call that is about to let the GIL go marks itself (`guard_mark`). Without a
   GIL every call marks itself on entry (`guard_acquire`). Thread-safe socket types only count who is inside. */
struct ThreadGuard
{
    std::atomic<unsigned long> thread;
    std::atomic<int> users;
};

static inline void guard_reset (ThreadGuard *o)
{
    o->thread.store (0, std::memory_order_relaxed);
    o->users.store (0, std::memory_order_relaxed);
}

/* In place of a thread, without a GIL: one that reads what never waits, in any thread. The owner is not refused for
   that: it waits until the visit is over. */
static constexpr unsigned long visitor = 1;

static inline unsigned long guard_thread (ThreadGuard *o)
{
    const unsigned long thread = o->thread.load (std::memory_order_acquire);
    return thread == visitor ? 0 : thread;
}

static inline bool guard_in_use (ThreadGuard *o)
{
    return guard_thread (o) != 0 || o->users.load (std::memory_order_acquire) != 0;
}

#ifdef Py_GIL_DISABLED
enum { closing = -0x10000 }; // added to `users` by who closes a thread-safe socket

static inline void guard_await_visitor (ThreadGuard *o)
{
    // detached: the collector may have stopped the visitor, and would wait for us to stop
    Py_BEGIN_ALLOW_THREADS
    while (o->thread.load (std::memory_order_relaxed) == visitor)
        std::this_thread::yield ();
    Py_END_ALLOW_THREADS
}

static inline bool guard_acquire (ThreadGuard *o, bool shared)
{
    if (shared) {
        if (o->users.fetch_add (1, std::memory_order_acquire) >= 0)
            return true;
        o->users.fetch_sub (1, std::memory_order_relaxed);
        return false;
    }
    unsigned long nobody = 0;
    while (!o->thread.compare_exchange_strong (nobody, PyThread_get_thread_ident (),
                                               std::memory_order_acquire)) {
        if (nobody != visitor)
            return false;
        guard_await_visitor (o);
        nobody = 0;
    }
    return true;
}
static inline void guard_release (ThreadGuard *o, bool shared)
{
    if (shared)
        o->users.fetch_sub (1, std::memory_order_release);
    else
        o->thread.store (0, std::memory_order_release);
}
static inline void guard_mark (ThreadGuard *, bool)
{
}
static inline void guard_unmark (ThreadGuard *, bool)
{
}
static inline bool guard_claim (ThreadGuard *o, bool shared)
{
    int nobody = 0;
    if (!shared)
        return guard_acquire (o, false);
    if (!o->users.compare_exchange_strong (nobody, closing))
        return false;
    if (o->thread.load () == visitor)
        guard_await_visitor (o);
    return true;
}
static inline void guard_unclaim (ThreadGuard *o, bool shared)
{
    if (shared)
        o->users.fetch_sub (closing, std::memory_order_release);
    else
        guard_release (o, false);
}

/* To be inside for a moment: nothing but a call that never waits, and that runs no Python. */
static inline bool guard_visit (ThreadGuard *o, bool shared)
{
    unsigned long nobody = 0;
    while (!o->thread.compare_exchange_strong (nobody, visitor)) {
        if (nobody != visitor)
            return false;
        guard_await_visitor (o);
        nobody = 0;
    }
    if (!shared || o->users.load () >= 0)
        return true;
    o->thread.store (0, std::memory_order_release);
    return false;
}
static inline void guard_leave (ThreadGuard *o)
{
    o->thread.store (0, std::memory_order_release);
}

/* The chains of borrowed pointers (contexts, sockets, watches) change under one lock. */
static PyMutex registry_mutex;

static inline void registry_lock ()
{
    PyMutex_Lock (&registry_mutex);
}
static inline void registry_unlock ()
{
    PyMutex_Unlock (&registry_mutex);
}
static inline void full_fence ()
{
    std::atomic_thread_fence (std::memory_order_seq_cst);
}
#else
static inline bool guard_acquire (ThreadGuard *o, bool)
{
    return o->thread.load (std::memory_order_relaxed) == 0;
}
static inline void guard_release (ThreadGuard *, bool)
{
}
static inline void guard_mark (ThreadGuard *o, bool shared)
{
    if (shared)
        o->users.fetch_add (1, std::memory_order_relaxed);
    else
        o->thread.store (PyThread_get_thread_ident (), std::memory_order_relaxed);
}
static inline void guard_unmark (ThreadGuard *o, bool shared)
{
    if (shared)
        o->users.fetch_sub (1, std::memory_order_relaxed);
    else
        o->thread.store (0, std::memory_order_relaxed);
}
/* For closing: be the only one inside, and stay so until the release. */
static inline bool guard_claim (ThreadGuard *o, bool)
{
    return !guard_in_use (o);
}
static inline void guard_unclaim (ThreadGuard *, bool)
{
}
static inline bool guard_visit (ThreadGuard *o, bool shared)
{
    return guard_acquire (o, shared);
}
static inline void guard_leave (ThreadGuard *)
{
}
static inline void registry_lock () {} // the GIL is the lock
static inline void registry_unlock () {}
static inline void full_fence () {}
#endif

/* A new reference to an object of a chain; NULL if nobody has one any more. Such an object is being deallocated, in
   another thread or below us on the stack: weak references are told, and a subclass's attributes let go of, before the
   object leaves its chain. A reference would bring it back to life, to be deallocated twice. */
static inline PyObject *registry_object (void *place)
{
    PyObject *object = static_cast<PyObject *> (place);
#ifdef Py_GIL_DISABLED
    // Below us on the stack: Python says that an object is this thread's own after its __del__ was called, and
    // would count up from nothing.
    if (_Py_IsOwnedByCurrentThread (object)
        && _Py_atomic_load_uint32_relaxed (&object->ob_ref_local) == 0)
        return nullptr;
#endif
#if defined(Py_GIL_DISABLED) && PY_VERSION_HEX >= 0x030E0000
    return PyUnstable_TryIncRef (object) ? object : nullptr;
#else
    if (Py_REFCNT (object) == 0) // without a GIL, in Python 3.13, this is the best that can be had
        return nullptr;
    Py_INCREF (object);
    return object;
#endif
}
static inline void registry_member (void *place)
{
#if defined(Py_GIL_DISABLED) && PY_VERSION_HEX >= 0x030E0000
    PyUnstable_EnableTryIncRef (static_cast<PyObject *> (place));
#else
    (void) place;
#endif
}

/* What is initialised at most once, however often __init__ is called, and from where. Zero is the beginning. */
struct Once
{
    std::atomic<int> taken;
};

static inline bool once_claim (Once *o)
{
    return o->taken.exchange (1, std::memory_order_acq_rel) == 0;
}
static inline void once_release (Once *o)
{
    o->taken.store (0, std::memory_order_release);
}

static inline double now ()
{
    return std::chrono::duration<double> (std::chrono::steady_clock::now ().time_since_epoch ())
      .count ();
}

static inline void set_errno (int error)
{
    errno = error;
}

static inline void pause_thread (double seconds)
{
    std::this_thread::sleep_for (std::chrono::duration<double> (seconds));
}

/* Whether `fd` can be given to libzmq as USE_FD: a bound or listening stream socket. */
static inline bool usable_fd (int fd)
{
#ifdef _WIN32
    (void) fd;
    return true;
#else
    struct stat st;
    int type = 0;
    socklen_t size = sizeof type;
    return fstat (fd, &st) == 0 && S_ISSOCK (st.st_mode)
           && getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
#endif
}

/* A copy of `fd` that children do not inherit, as os.dup() makes it. -1: there is none, errno says why. */
static inline int copy_fd (int fd)
{
#ifdef _WIN32
    (void) fd; // of libzmq's it is a handle, which nothing copies
    errno = EINVAL;
    return -1;
#else
    return fcntl (fd, F_DUPFD_CLOEXEC, 0);
#endif
}
}

#endif
