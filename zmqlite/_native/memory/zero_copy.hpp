/* Memory lent to libzmq, and how it is released.

   A Lease is one Python object (or exported buffer) whose bytes libzmq reads without a copy. libzmq
   calls `release` when it is done, from any thread and at any time, also after the interpreter has
   gone. That call only pushes the Lease onto a lock-free list: it never takes the GIL. `run_deferred_releases`,
   run by the next call into the core or by a pending call, lets go of the objects with the GIL held.

   A message received in the same process over lent bytes IS the lent object, so it can be handed over
   without a copy: our patched libzmq finds the Lease from the message, and who closes the last copy
   ends it at once. Of another libzmq's message nobody can tell; it is received as any other. */
#ifndef ZMQLITE_ZERO_COPY_HPP
#define ZMQLITE_ZERO_COPY_HPP

#include <Python.h>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>

#include "compat.h"

namespace zmqlite
{
struct Lease
{
    void *content[5];  // libzmq's: what it keeps about the message
    PyObject *owner;   // strong: the bytes object, or NULL when a view holds the exporter
    PyObject *tracker; // strong or NULL: told when this lease is over
    Lease *next;        // of those to be released, or of the spare ones
    Lease *before;      // the ring of all loans
    Lease *after;
    void *data;
    bool has_view;     // it is a ZeroCopyView
};

struct ZeroCopyView : Lease
{
    Py_buffer view;
};

#ifdef Py_GIL_DISABLED
typedef std::mutex zero_copy_mutex;
#else
struct zero_copy_mutex // the GIL is the lock
{
    void lock () {}
    void unlock () {}
};
#endif

/* All leases, and spare ones for the next. Of all, since they can be listed (`loans`); spare
   ones, since malloc and free cost more than everything else about a lease. */
struct Ring : Lease
{
    Ring () { before = after = this; }
};
#if defined __SANITIZE_ADDRESS__
enum { most_spare = 0 }; // it wants to see each come and go
#else
enum { most_spare = 4096 };
#endif
static Ring all_leases;
static Lease *spare = nullptr;
static int spares = 0;
static zero_copy_mutex leases_mutex;

static std::atomic<Lease *> deferred (nullptr);
static std::atomic<int> waiting (0);
static std::atomic<bool> asked (false); // a pending call that drains is on its way
static std::atomic<bool> finalizing (false);
static std::mutex wait_mutex;
static std::condition_variable wait_cv;

static void (*finish_lease) (PyObject *) = nullptr; // set by the core: tells the tracker

static void run_deferred_releases ();

static int run_pending_call (void *)
{
    asked.store (false); // first: what libzmq gives back from now on asks again
    run_deferred_releases ();
    return 0;
}

/* libzmq's free function: any thread, no GIL, must not block for long. */
static void release (void *, void *hint)
{
    Lease *lease = static_cast<Lease *> (hint);
    Lease *head = deferred.load (std::memory_order_relaxed);
    do {
        lease->next = head;
    } while (!deferred.compare_exchange_weak (head, lease, std::memory_order_release,
                                              std::memory_order_relaxed));
    if (waiting.load (std::memory_order_acquire)) {
        std::lock_guard<std::mutex> guard (wait_mutex);
        wait_cv.notify_all ();
    }
    // The first of a batch asks for a drain, in case nobody calls into the core for long. Never more
    // than one request: the interpreter's queue is short, and others need it. A full queue is no loss,
    // since the next call into the core drains.
    if (!head && !finalizing.load (std::memory_order_acquire) && !asked.exchange (true)
        && Py_AddPendingCall (run_pending_call, nullptr) != 0)
        asked.store (false);
}

static inline bool has_deferred_releases ()
{
    return deferred.load (std::memory_order_relaxed) != nullptr;
}

/* With the GIL held: the end of a lease. */
static inline void end_lease (Lease *lease)
{
    PyObject *const owner = lease->owner;
    PyObject *const tracker = lease->tracker;
    const bool has_view = lease->has_view;
    {
        std::lock_guard<zero_copy_mutex> guard (leases_mutex);
        lease->before->after = lease->after;
        lease->after->before = lease->before;
        if (!has_view && spares < most_spare) {
            lease->next = spare;
            spare = lease;
            spares++;
            lease = nullptr;
        }
    }
    if (tracker)
        finish_lease (tracker);
    if (has_view)
        PyBuffer_Release (&static_cast<ZeroCopyView *> (lease)->view);
    free (lease);
    Py_XDECREF (owner);
    Py_XDECREF (tracker);
}

/* With the GIL held: lets go of everything libzmq has given back. */
static void run_deferred_releases ()
{
    Lease *lease = deferred.exchange (nullptr, std::memory_order_acquire);
    while (lease) {
        Lease *next = lease->next;
        end_lease (lease);
        lease = next;
    }
}

/* With the GIL held: makes `msg` a message over the memory of a lease, which ends here if that fails. It counts
   as shared from the start: libzmq masks what a ws client sends in place, unless it is shared, and this memory
   is not libzmq's to change, wherever the message goes. */
static inline bool begin_lease (zmq_msg_t *msg, Lease *lease, size_t size)
{
    {
        std::lock_guard<zero_copy_mutex> guard (leases_mutex);
        lease->before = &all_leases;
        lease->after = all_leases.after;
        lease->after->before = all_leases.after = lease;
    }
#if LIBZMQ_LENDS
    zmq_msg_init_lent (msg, lease->content, lease->data, size, release, lease);
    return true;
#else
    if (zmq_msg_init_data (msg, lease->data, size, release, lease) != 0) {
        end_lease (lease);
        errno = ENOMEM;
        return false;
    }
    zmq_msg_t other;
    zmq_msg_init (&other);
    zmq_msg_copy (&other, msg);
    zmq_msg_close (&other);
    return true;
#endif
}

/* Lends a bytes object. The tracker, if there is one, counts it already. On failure `msg` is not initialised,
   and nothing is lent. */
static inline bool zero_copy_object (zmq_msg_t *msg, PyObject *owner, PyObject *tracker)
{
    Lease *lease;
    {
        std::lock_guard<zero_copy_mutex> guard (leases_mutex);
        lease = spare;
        if (lease) {
            spare = lease->next;
            spares--;
        }
    }
    if (!lease && !(lease = static_cast<Lease *> (malloc (sizeof (Lease))))) {
        if (tracker)
            finish_lease (tracker);
        errno = ENOMEM;
        return false;
    }
    Py_INCREF (owner);
    lease->owner = owner;
    Py_XINCREF (tracker);
    lease->tracker = tracker;
    lease->data = PyBytes_AS_STRING (owner);
    lease->has_view = false;
    return begin_lease (msg, lease, PyBytes_GET_SIZE (owner));
}

/* The same with exported memory; the view is the lease's, also on failure. */
static inline bool zero_copy_view (zmq_msg_t *msg, Py_buffer *view, PyObject *tracker)
{
    ZeroCopyView *lease = static_cast<ZeroCopyView *> (malloc (sizeof (ZeroCopyView)));
    if (!lease) {
        PyBuffer_Release (view);
        if (tracker)
            finish_lease (tracker);
        errno = ENOMEM;
        return false;
    }
    lease->owner = nullptr;
    Py_XINCREF (tracker);
    lease->tracker = tracker;
    lease->data = view->buf ? view->buf : lease; // nothing may lie nowhere, which is no place for libzmq
    lease->has_view = true;
    lease->view = *view;
    return begin_lease (msg, lease, view->len);
}

/* Closes a message over this lease. The last copy ends the lease here and now, without the deferred release, unless
   a tracker is to be told or that might run code of others. */
static inline void close_zero_copy (zmq_msg_t *msg, Lease *lease)
{
    if (!zmq_msg_close_lent (msg))
        return;
    if (lease->tracker || lease->has_view)
        release (nullptr, lease);
    else
        end_lease (lease);
}

/* The lease of a bytes object, all of which the message is; or NULL. It stays as long as there is the message. */
static inline Lease *lease_of (zmq_msg_t *msg, Py_ssize_t size)
{
    Lease *const lease = static_cast<Lease *> (zmq_msg_lender (msg, release));
    return lease && lease->owner && PyBytes_GET_SIZE (lease->owner) == size ? lease : nullptr;
}

/* The bytes object that a message of this process lies over, all of it: a new reference, or NULL. */
static inline PyObject *leased_object (zmq_msg_t *msg, Py_ssize_t size)
{
    Lease *const lease = lease_of (msg, size);
    return lease ? Py_NewRef (lease->owner) : nullptr;
}

/* The same, and the message is closed if there is one. */
static inline PyObject *take_leased (zmq_msg_t *msg, Py_ssize_t size)
{
    Lease *const lease = lease_of (msg, size);
    if (!lease)
        return nullptr;
    PyObject *const owner = Py_NewRef (lease->owner); // first: without the message the lease may be gone
    close_zero_copy (msg, lease);
    return owner;
}

/* With the GIL held: zmq_msg_close, without the deferred release of a lease. */
static inline void close_here (zmq_msg_t *msg)
{
    if (void *const lease = zmq_msg_lender (msg, release))
        close_zero_copy (msg, static_cast<Lease *> (lease));
    else
        zmq_msg_close (msg);
}

struct Leased
{
    void *data;
    PyObject *owner;
};

/* What is lent now, each with a new reference to its owner, if it has one: an array for the caller to
   free(), or NULL when there is nothing, or no memory. A copy, since walking through it may run
   code that lends or returns. */
static Leased *all_leased (size_t *count)
{
    std::lock_guard<zero_copy_mutex> guard (leases_mutex);
    size_t size = 0;
    for (Lease *lease = all_leases.after; lease != &all_leases; lease = lease->after)
        size++;
    *count = 0;
    Leased *const found = size ? static_cast<Leased *> (malloc (size * sizeof (Leased))) : nullptr;
    if (found)
        for (Lease *lease = all_leases.after; lease != &all_leases; lease = lease->after) {
            Py_XINCREF (lease->owner);
            found[*count].data = lease->data;
            found[(*count)++].owner = lease->owner;
        }
    return found;
}

/* From now on nothing is asked of the interpreter: it is going away. */
static inline void stop_pending_calls ()
{
    finalizing.store (true, std::memory_order_release);
}

/* In the child of a fork: libzmq's threads may have held these when they were left behind. */
static inline void renew_after_fork ()
{
    new (&wait_mutex) std::mutex;
    new (&wait_cv) std::condition_variable;
#ifdef Py_GIL_DISABLED
    new (&leases_mutex) zero_copy_mutex;
#endif
    waiting.store (0);
    asked.store (false);
}

/* Without the GIL: until something comes back, or `seconds` have passed. */
static void wait_returned (double seconds)
{
    std::unique_lock<std::mutex> lock (wait_mutex);
    waiting.fetch_add (1);
    wait_cv.wait_for (lock, std::chrono::duration<double> (seconds), has_deferred_releases);
    waiting.fetch_sub (1);
}
}

#endif
