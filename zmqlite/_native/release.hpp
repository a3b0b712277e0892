/* Memory lent to libzmq, and how it comes home.

   A Loan is one Python object (or exported buffer) whose bytes libzmq reads without a copy. libzmq
   calls `release` when it is done, from any thread and at any time, also after the interpreter has
   gone. That call only pushes the Loan onto a lock-free list: it never takes the GIL. `drain`, run by
   the next call into the core or by a pending call, lets go of the objects with the GIL held.

   The borrow table maps the address of lent bytes to their object. A message received in the same
   process with that address IS the lent object, so it can be handed over without a copy. */
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

namespace zmqlite
{
struct Loan
{
    Loan *next;
    PyObject *owner;   // strong: the bytes object, or NULL when `view` holds the exporter
    PyObject *tracker; // strong or NULL: told when this loan is over
    void *data;
    Py_buffer view;
    bool has_view;
};

#ifdef Py_GIL_DISABLED
typedef std::mutex table_mutex;
#else
struct table_mutex // the GIL is the lock
{
    void lock () {}
    void unlock () {}
};
#endif

/* Open addressing, linear probing, backward-shift deletion; counts how often an address is lent. */
class BorrowTable
{
  public:
    void add (void *key, PyObject *owner)
    {
        std::lock_guard<table_mutex> guard (_mutex);
        if ((_used + 1) * 2 > _capacity && !grow ())
            return; // only the short cut of `find` is lost
        size_t i = slot (key);
        while (_entries[i].key && _entries[i].key != key)
            i = (i + 1) & (_capacity - 1);
        if (!_entries[i].key) {
            _entries[i].key = key;
            _entries[i].owner = owner;
            _used++;
        }
        _entries[i].count++;
    }

    void remove (void *key)
    {
        std::lock_guard<table_mutex> guard (_mutex);
        if (!_used)
            return;
        size_t i = slot (key);
        while (_entries[i].key != key) {
            if (!_entries[i].key)
                return;
            i = (i + 1) & (_capacity - 1);
        }
        if (--_entries[i].count)
            return;
        size_t hole = i;
        for (size_t j = (i + 1) & (_capacity - 1); _entries[j].key; j = (j + 1) & (_capacity - 1)) {
            const size_t home = slot (_entries[j].key);
            if (((j - home) & (_capacity - 1)) >= ((j - hole) & (_capacity - 1))) {
                _entries[hole] = _entries[j];
                hole = j;
            }
        }
        _entries[hole] = Entry ();
        _used--;
    }

    /* The object whose lent bytes start at `key` (a new reference), or NULL. */
    PyObject *find (void *key, int *lent)
    {
        std::lock_guard<table_mutex> guard (_mutex);
        *lent = 0;
        if (!_used)
            return NULL;
        for (size_t i = slot (key); _entries[i].key; i = (i + 1) & (_capacity - 1)) {
            if (_entries[i].key == key) {
                *lent = 1;
                Py_XINCREF (_entries[i].owner);
                return _entries[i].owner;
            }
        }
        return NULL;
    }

    size_t size () const { return _used; }

    struct Entry
    {
        void *key = nullptr;
        PyObject *owner = nullptr;
        size_t count = 0;
    };

    /* What is lent now, each with a new reference to its owner, if it has one: an array for the
       caller to free(), or NULL when there is nothing, or no memory. A copy, since whoever walks
       through it may run code that lends or returns. */
    Entry *all (size_t *count)
    {
        std::lock_guard<table_mutex> guard (_mutex);
        *count = 0;
        if (!_used)
            return nullptr;
        Entry *found = static_cast<Entry *> (malloc (_used * sizeof (Entry)));
        if (!found)
            return nullptr;
        for (size_t i = 0; i < _capacity; i++) {
            if (_entries[i].key) {
                Py_XINCREF (_entries[i].owner);
                found[(*count)++] = _entries[i];
            }
        }
        return found;
    }

  private:

    size_t slot (void *key) const
    {
        return (size_t) (((uint64_t) (uintptr_t) key * 0x9E3779B97F4A7C15ull) >> 20) & (_capacity - 1);
    }

    bool grow ()
    {
        const size_t capacity = _capacity ? _capacity * 2 : 256;
        Entry *entries = new (std::nothrow) Entry[capacity]();
        if (!entries)
            return false;
        Entry *old = _entries;
        const size_t old_capacity = _capacity;
        _entries = entries;
        _capacity = capacity;
        for (size_t k = 0; k < old_capacity; k++) {
            if (!old[k].key)
                continue;
            size_t i = slot (old[k].key);
            while (_entries[i].key)
                i = (i + 1) & (_capacity - 1);
            _entries[i] = old[k];
        }
        delete[] old;
        return true;
    }

    Entry *_entries = nullptr;
    size_t _capacity = 0;
    size_t _used = 0;
    table_mutex _mutex;
};

static BorrowTable borrowed;
static std::atomic<Loan *> returned (nullptr);
static std::atomic<int> waiting (0);
static std::atomic<bool> asked (false); // a pending call that drains is on its way
static std::atomic<bool> finalizing (false);
static std::mutex wait_mutex;
static std::condition_variable wait_cv;

static void (*finish_loan) (Loan *) = nullptr; // set by the core: tells the tracker

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

/* With the GIL held: lets go of everything libzmq has given back. */
static void drain_loans ()
{
    Loan *loan = returned.exchange (nullptr, std::memory_order_acquire);
    while (loan) {
        Loan *next = loan->next;
        borrowed.remove (loan->data);
        if (loan->tracker)
            finish_loan (loan);
        if (loan->has_view)
            PyBuffer_Release (&loan->view);
        Py_XDECREF (loan->owner);
        Py_XDECREF (loan->tracker);
        free (loan);
        loan = next;
    }
}

static inline Loan *new_loan (PyObject *owner, PyObject *tracker, void *data)
{
    Loan *loan = static_cast<Loan *> (malloc (sizeof (Loan)));
    if (!loan)
        return nullptr;
    loan->next = nullptr;
    loan->has_view = false;
    loan->data = data;
    Py_XINCREF (owner);
    loan->owner = owner;
    Py_XINCREF (tracker);
    loan->tracker = tracker;
    borrowed.add (data, owner);
    return loan;
}

/* The message was never made: undo new_loan. */
static inline void cancel_loan (Loan *loan)
{
    borrowed.remove (loan->data);
    Py_XDECREF (loan->owner);
    Py_XDECREF (loan->tracker);
    free (loan);
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
