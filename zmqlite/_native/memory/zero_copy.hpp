/* Memory lent to libzmq, and how it comes home.

   A Loan is one Python object (or exported buffer) whose bytes libzmq reads without a copy. libzmq
   calls `release` when it is done, from any thread and at any time, also after the interpreter has
   gone. That call only pushes the Loan onto a lock-free list: it never takes the GIL. `drain`, run by
   the next call into the core or by a pending call, lets go of the objects with the GIL held.

   A message received in the same process over lent bytes IS the lent object, so it can be handed over
   without a copy. Our patched libzmq finds the Loan from the message, and who closes the last copy
   settles it at once; for others the borrow table maps the address of lent bytes to their object. */
#ifndef ZMQLITE_RELEASE_HPP
#define ZMQLITE_RELEASE_HPP

#include <Python.h>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>

#include "memory/owners.hpp"
#include "compat.h"

namespace zmqlite
{
struct Loan
{
#if LIBZMQ_LENDS
    void *content[5];  // libzmq's: what it keeps about the message
#endif
    PyObject *owner;   // strong: the bytes object, or NULL when a view holds the exporter
    PyObject *tracker; // strong or NULL: told when this loan is over
    Loan *next;        // of those that came home, or of the spare ones
    Loan *before;      // the ring of all loans
    Loan *after;
    void *data;
    bool has_view;     // it is a ViewLoan
};

struct ViewLoan : Loan
{
    Py_buffer view;
};

#ifdef Py_GIL_DISABLED
typedef std::mutex loan_mutex;
#else
struct loan_mutex // the GIL is the lock
{
    void lock () {}
    void unlock () {}
};
#endif

#if !LIBZMQ_LENDS
static BorrowTable<loan_mutex> borrowed;
#endif

/* All loans, and spare ones for the next. Of all, since somebody may want to see them (`loans`); spare
   ones, since malloc and free cost more than everything else about a loan. */
struct Ring : Loan
{
    Ring () { before = after = this; }
};
#if defined __SANITIZE_ADDRESS__
enum { most_spare = 0 }; // it wants to see each come and go
#else
enum { most_spare = 4096 };
#endif
static Ring all_loans;
static Loan *spare = nullptr;
static int spares = 0;
static loan_mutex loans_mutex;

static std::atomic<Loan *> returned (nullptr);
static std::atomic<int> waiting (0);
static std::atomic<bool> asked (false); // a pending call that drains is on its way
static std::atomic<bool> finalizing (false);
static std::mutex wait_mutex;
static std::condition_variable wait_cv;

static void (*finish_loan) (PyObject *) = nullptr; // set by the core: tells the tracker

static void drain_loans ();

static int drain_pending (void *)
{
    asked.store (false); // first: what comes home from now on asks again
    drain_loans ();
    return 0;
}

/* libzmq's free function: any thread, no GIL, must not block for long. */
static void release (void *, void *hint)
{
    Loan *loan = static_cast<Loan *> (hint);
    Loan *head = returned.load (std::memory_order_relaxed);
    do {
        loan->next = head;
    } while (!returned.compare_exchange_weak (head, loan, std::memory_order_release,
                                              std::memory_order_relaxed));
    if (waiting.load (std::memory_order_acquire)) {
        std::lock_guard<std::mutex> guard (wait_mutex);
        wait_cv.notify_all ();
    }
    // The first of a batch asks for a drain, in case nobody calls into the core for long. Never more
    // than one request: the interpreter's queue is short, and others need it. A full queue is no loss,
    // since the next call into the core drains.
    if (!head && !finalizing.load (std::memory_order_acquire) && !asked.exchange (true)
        && Py_AddPendingCall (drain_pending, nullptr) != 0)
        asked.store (false);
}

static inline bool has_returned ()
{
    return returned.load (std::memory_order_relaxed) != nullptr;
}

/* With the GIL held: the end of a loan. */
static inline void end_loan (Loan *loan)
{
    PyObject *const owner = loan->owner;
    PyObject *const tracker = loan->tracker;
    const bool has_view = loan->has_view;
#if !LIBZMQ_LENDS
    borrowed.remove (loan->data);
#endif
    {
        std::lock_guard<loan_mutex> guard (loans_mutex);
        loan->before->after = loan->after;
        loan->after->before = loan->before;
        if (!has_view && spares < most_spare) {
            loan->next = spare;
            spare = loan;
            spares++;
            loan = nullptr;
        }
    }
    if (tracker)
        finish_loan (tracker);
    if (has_view)
        PyBuffer_Release (&static_cast<ViewLoan *> (loan)->view);
    free (loan);
    Py_XDECREF (owner);
    Py_XDECREF (tracker);
}

/* With the GIL held: lets go of everything libzmq has given back. */
static void drain_loans ()
{
    Loan *loan = returned.exchange (nullptr, std::memory_order_acquire);
    while (loan) {
        Loan *next = loan->next;
        end_loan (loan);
        loan = next;
    }
}

/* With the GIL held: makes `msg` a message over the memory of a loan, which ends here if that fails. It counts
   as shared from the start: libzmq masks what a ws client sends in place, unless it is shared, and this memory
   is not libzmq's to change, wherever the message goes. */
static inline bool begin_loan (zmq_msg_t *msg, Loan *loan, size_t size)
{
    {
        std::lock_guard<loan_mutex> guard (loans_mutex);
        loan->before = &all_loans;
        loan->after = all_loans.after;
        loan->after->before = all_loans.after = loan;
    }
#if LIBZMQ_LENDS
    zmq_msg_init_lent (msg, loan->content, loan->data, size, release, loan);
    return true;
#else
    borrowed.add (loan->data, loan->owner);
    if (zmq_msg_init_data (msg, loan->data, size, release, loan) != 0) {
        end_loan (loan);
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
static inline bool lend_object (zmq_msg_t *msg, PyObject *owner, PyObject *tracker)
{
    Loan *loan;
    {
        std::lock_guard<loan_mutex> guard (loans_mutex);
        loan = spare;
        if (loan) {
            spare = loan->next;
            spares--;
        }
    }
    if (!loan && !(loan = static_cast<Loan *> (malloc (sizeof (Loan))))) {
        if (tracker)
            finish_loan (tracker);
        errno = ENOMEM;
        return false;
    }
    Py_INCREF (owner);
    loan->owner = owner;
    Py_XINCREF (tracker);
    loan->tracker = tracker;
    loan->data = PyBytes_AS_STRING (owner);
    loan->has_view = false;
    return begin_loan (msg, loan, PyBytes_GET_SIZE (owner));
}

/* The same with exported memory; the view is the loan's, also on failure. */
static inline bool lend_view (zmq_msg_t *msg, Py_buffer *view, PyObject *tracker)
{
    ViewLoan *loan = static_cast<ViewLoan *> (malloc (sizeof (ViewLoan)));
    if (!loan) {
        PyBuffer_Release (view);
        if (tracker)
            finish_loan (tracker);
        errno = ENOMEM;
        return false;
    }
    loan->owner = nullptr;
    Py_XINCREF (tracker);
    loan->tracker = tracker;
    loan->data = view->buf ? view->buf : loan; // nothing may lie nowhere, which is no place for libzmq
    loan->has_view = true;
    loan->view = *view;
    return begin_loan (msg, loan, view->len);
}

/* Whether a message lies over memory that this process lent. */
static inline bool is_lent (zmq_msg_t *msg)
{
#if LIBZMQ_LENDS
    return zmq_msg_lender (msg, release) != nullptr;
#else
    int lent;
    PyObject *const owner = borrowed.find (zmq_msg_data (msg), &lent);
    Py_XDECREF (owner);
    return lent;
#endif
}

#if LIBZMQ_LENDS
/* Closes a message over this loan. The last copy ends the loan here and now, without the way home, unless
   somebody is to be told or that might run code of others. */
static inline void close_lent (zmq_msg_t *msg, Loan *loan)
{
    if (!zmq_msg_close_lent (msg))
        return;
    if (loan->tracker || loan->has_view)
        release (nullptr, loan);
    else
        end_loan (loan);
}

/* The loan of a bytes object, all of which the message is; or NULL. It stays as long as there is the message. */
static inline Loan *loan_of (zmq_msg_t *msg, Py_ssize_t size)
{
    Loan *const loan = static_cast<Loan *> (zmq_msg_lender (msg, release));
    return loan && loan->owner && PyBytes_GET_SIZE (loan->owner) == size ? loan : nullptr;
}
#endif

/* The bytes object that a message of this process lies over, all of it: a new reference, or NULL. */
static inline PyObject *lent_object (zmq_msg_t *msg, Py_ssize_t size)
{
#if LIBZMQ_LENDS
    Loan *const loan = loan_of (msg, size);
    return loan ? Py_NewRef (loan->owner) : nullptr;
#else
    int lent;
    PyObject *const owner = borrowed.find (zmq_msg_data (msg), &lent);
    if (!owner || PyBytes_GET_SIZE (owner) == size)
        return owner;
    Py_DECREF (owner);
    return nullptr;
#endif
}

/* The same, and the message is closed if there is one. */
static inline PyObject *take_lent (zmq_msg_t *msg, Py_ssize_t size)
{
#if LIBZMQ_LENDS
    Loan *const loan = loan_of (msg, size);
    if (!loan)
        return nullptr;
    PyObject *const owner = Py_NewRef (loan->owner); // first: without the message the loan may be gone
    close_lent (msg, loan);
#else
    PyObject *const owner = lent_object (msg, size);
    if (owner)
        zmq_msg_close (msg);
#endif
    return owner;
}

/* With the GIL held: zmq_msg_close, without the way home of a loan. */
static inline void close_here (zmq_msg_t *msg)
{
#if LIBZMQ_LENDS
    if (void *const loan = zmq_msg_lender (msg, release)) {
        close_lent (msg, static_cast<Loan *> (loan));
        return;
    }
#endif
    zmq_msg_close (msg);
}

struct Lent
{
    void *data;
    PyObject *owner;
};

/* What is lent now, each with a new reference to its owner, if it has one: an array for the caller to
   free(), or NULL when there is nothing, or no memory. A copy, since whoever walks through it may run
   code that lends or returns. */
static Lent *everything_lent (size_t *count)
{
    std::lock_guard<loan_mutex> guard (loans_mutex);
    size_t size = 0;
    for (Loan *loan = all_loans.after; loan != &all_loans; loan = loan->after)
        size++;
    *count = 0;
    Lent *const found = size ? static_cast<Lent *> (malloc (size * sizeof (Lent))) : nullptr;
    if (found)
        for (Loan *loan = all_loans.after; loan != &all_loans; loan = loan->after) {
            Py_XINCREF (loan->owner);
            found[*count].data = loan->data;
            found[(*count)++].owner = loan->owner;
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
    new (&loans_mutex) loan_mutex;
#endif
    waiting.store (0);
    asked.store (false);
}

/* Without the GIL: until something comes back, or `seconds` have passed. */
static void wait_returned (double seconds)
{
    std::unique_lock<std::mutex> lock (wait_mutex);
    waiting.fetch_add (1);
    wait_cv.wait_for (lock, std::chrono::duration<double> (seconds), has_returned);
    waiting.fetch_sub (1);
}
}

#endif
