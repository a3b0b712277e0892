/* Memory for large bodies that is a bytes object already, and is used again and again.

   libzmq reads a large body straight into a block, so that `recv` has nothing to copy: it completes the
   object and hands it out. We keep a reference. When it is the last one, which a later receive finds out,
   nobody can see the object any more, and its memory serves the next body: it is warm, and needs no
   visit to malloc, which likes to return memory of this size to the system and to fetch it again page by page.

   A block is free (in the list of its size), inside libzmq, or out (a program may have it). Free ones are
   taken and given by any thread, without a lock and without the GIL; all else needs the GIL. When libzmq has found
   none, the next body of that size that must be copied is copied into a new one. What they hold together is bounded,
   and a program that keeps what it receives keeps it as it always did: we let go of our reference. When nothing moves
   for a while, idle.hpp has all of it given back.

   After a fork the child leaves the blocks behind that were inside libzmq: most never come back, but a Frame may
   still lie over one. So the child goes on with a table of its own, once many were left behind, and blocks of an old
   one that come back after all are strays, which are freed. */
#ifndef ZMQLITE_BYTES_POOL_HPP
#define ZMQLITE_BYTES_POOL_HPP

#include <Python.h>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "memory/bytes_lists.hpp"
#include "compat.h"

namespace zmqlite
{
static void watch_for_idleness (); // idle.hpp

class BytesPool : private BytesLists
{
  public:
    enum : size_t
    {
        least = 4 << 10,
        most = 4 << 20,
        budget = 32 << 20,
        idle_least = 1 << 20, // so much may be kept for good
        burst = 16 << 20      // so much beside the blocks is given back when nothing moves
    };

    static bool fits (size_t size) { return size >= least && size <= most; }

    /* For libzmq, and with or without the GIL: memory for so many bytes, or NULL. */
    void *take (size_t size, void **notes, void **hint)
    {
        const int kind = kind_of (size);
        const int index = pop (kind);
        if (index < 0) {
            _wanted[kind].store (true, std::memory_order_relaxed);
            _missed.store (true, std::memory_order_relaxed);
            return nullptr;
        }
        PooledBytes &block = block_at (index);
        show (&block, size);
        *notes = block.notes;
        *hint = &block;
        return PyBytes_AS_STRING (block.bytes);
    }

    /* A block comes back from libzmq, in which nobody has seen the object. */
    void give (void *hint)
    {
        PooledBytes *const block = static_cast<PooledBytes *> (hint);
        const size_t index = index_of (block);
        if (index < slots)
            push (static_cast<int> (index));
        else
            stray (block);
    }

    /* The same as `take`, but makes a block if there is none. Returns NULL, without an exception, if
       there may be no more. */
    void *take_or_make (size_t size, void **hint)
    {
        void *notes;
        recycle ();
        void *data = take (size, &notes, hint);
        if (data)
            return data;
        const int index = make (size);
        if (index < 0) {
            PyErr_Clear ();
            return nullptr;
        }
        PooledBytes &block = block_at (index);
        show (&block, size);
        *hint = &block;
        return PyBytes_AS_STRING (block.bytes);
    }

    /* The object of a block that libzmq has filled; a new reference. */
    PyObject *publish (void *hint, size_t size)
    {
        PooledBytes *const block = static_cast<PooledBytes *> (hint);
        const size_t index = index_of (block);
        recycle ();
        if (index < slots)
            return publish_at (static_cast<int> (index), size);
        PyObject *const bytes = complete (block, size);
        block->bytes = nullptr;
        return bytes;
    }

    /* A bytes object to be filled, in a block if possible; a new reference, or NULL with an exception. */
    PyObject *allocate (size_t size)
    {
        recycle ();
        const int kind = kind_of (size);
        int index = _wanted[kind].exchange (false, std::memory_order_relaxed) ? -1 : pop (kind);
        if (index < 0) {
            note_missed ();
            index = make (size);
        }
        if (index >= 0)
            return publish_at (index, size);
        return PyErr_Occurred () ? nullptr
                                 : PyBytes_FromStringAndSize (nullptr, static_cast<Py_ssize_t> (size));
    }

    /* With or without the GIL: libzmq takes memory of its own for a body of this size. */
    void count_missed (size_t size) { _missed_bytes.fetch_add (size, std::memory_order_relaxed); }

    /* When bodies that are no blocks go: there may have been a burst, of which the C library keeps what was freed. */
    void note_missed ()
    {
        if (_missed_bytes.load (std::memory_order_relaxed) >= burst) {
            _missed_bytes.store (0, std::memory_order_relaxed);
            note ();
        }
    }

    /* Whether libzmq found no block, of whatever size, since the last refill. */
    bool missed () const { return _missed.load (std::memory_order_relaxed); }

    /* A body of this size was received, but not as bytes: if libzmq has found no block for such, it may next time. */
    void refill (size_t size)
    {
        const int kind = kind_of (size);
        _missed.store (false, std::memory_order_relaxed);
        if (!_wanted[kind].load (std::memory_order_relaxed))
            return;
        _wanted[kind].store (false, std::memory_order_relaxed);
        note_missed ();
        const int index = make (size);
        if (index >= 0)
            push (index);
        else
            PyErr_Clear ();
    }

    /* Before a thread waits for what libzmq may be receiving now: the last object has mostly been dropped by then, and
       its memory is still in the processor's cache. */
    void recycle_now ()
    {
        if (_out_count)
            recycle ();
    }

    /* Lets go of all that is not inside libzmq. */
    void clear ()
    {
        free_strays ();
        for (int kind = 0; kind < kinds; kind++) {
            int index;
            while ((index = pop (kind)) >= 0)
                forget (index);
        }
        while (_out_count)
            forget (_out[--_out_count]);
    }

    /* After a fork: what the threads of the parent had will not come back. */
    void renew ()
    {
        clear ();
        _held = 0;
        _missed_bytes.store (0, std::memory_order_relaxed);
        if (_used - _empty_count <= slots / 8)
            return;
        if (begin_table ())
            _used = _empty_count = 0;
    }

    size_t held () const { return _held; }

    /* Memory was taken that is no block, but large. */
    void note ()
    {
        _made.fetch_add (1, std::memory_order_relaxed);
        watch_for_idleness ();
    }

    /* A number that is another one as soon as any block has moved. Without the GIL. */
    uint64_t moves () const
    {
        return _made.load (std::memory_order_relaxed) + list_moves ();
    }

  private:
    enum { looks = 3 }; // at objects that are out, for each body received

    /* By any thread. */
    void stray (PooledBytes *block)
    {
        hide (block);
        block->next_stray = _strays.load (std::memory_order_relaxed);
        while (!_strays.compare_exchange_weak (block->next_stray, block, std::memory_order_release,
                                               std::memory_order_relaxed))
            ;
    }

    void free_strays ()
    {
        PooledBytes *block = _strays.exchange (nullptr, std::memory_order_acquire);
        for (; block; block = block->next_stray) {
            show_all (block);
            Py_CLEAR (block->bytes);
        }
    }

    PyObject *publish_at (int index, size_t size)
    {
        PyObject *const bytes = complete (&block_at (index), size);
        _out[_out_count++] = static_cast<uint16_t> (index);
        Py_INCREF (bytes);
        return bytes;
    }

    static PyObject *complete (PooledBytes *block, size_t size)
    {
        PyObject *const bytes = block->bytes;
        show_all (block);
        Py_SET_SIZE (reinterpret_cast<PyVarObject *> (bytes), static_cast<Py_ssize_t> (size));
        PyBytes_AS_STRING (bytes)[size] = 0;
        forget_hash (bytes);
        return bytes;
    }

    /* Looks at a few objects that are out: nobody can get hold of one of which we have the last reference. */
    void recycle ()
    {
        for (int i = 0; i < looks && i < _out_count; i++) {
            if (_cursor >= _out_count)
                _cursor = 0;
            const int index = _out[_cursor];
            if (Py_REFCNT (block_at (index).bytes) == 1) {
                _out[_cursor] = _out[--_out_count];
                push (index);
            } else
                _cursor++;
        }
    }

    /* A new block, neither free nor out. Returns -1 if there is no room, or with an exception. */
    int make (size_t size)
    {
        const int kind = kind_of (size);
        const size_t capacity = capacity_of (kind);
        free_strays ();
        while (_held + capacity > budget || (!_empty_count && _used == slots))
            if (!evict (kind))
                return -1;
        PyObject *bytes = PyBytes_FromStringAndSize (nullptr, static_cast<Py_ssize_t> (capacity));
        if (!bytes)
            return -1;
        const int index = _empty_count ? _empty[--_empty_count] : _used++;
        block_at (index).bytes = bytes;
        block_at (index).kind = kind;
        _held += capacity;
        _made.fetch_add (1, std::memory_order_relaxed);
        if (_held > idle_least)
            watch_for_idleness ();
        return index;
    }

    /* Makes room for one of this kind: a free one of another, or one that a program keeps. */
    bool evict (int kind)
    {
        for (int i = 0; i < kinds; i++) {
            _hand = (_hand + 1) % kinds;
            const int index = _hand == kind ? -1 : pop (_hand);
            if (index >= 0) {
                forget (index);
                return true;
            }
        }
        if (!_out_count)
            return false;
        if (_cursor >= _out_count)
            _cursor = 0;
        const int index = _out[_cursor];
        _out[_cursor] = _out[--_out_count];
        forget (index);
        return true;
    }

    void forget (int index)
    {
        PooledBytes &block = block_at (index);
        const size_t capacity = capacity_of (block.kind);
        _held -= capacity < _held ? capacity : _held;
        _empty[_empty_count++] = static_cast<uint16_t> (index);
        show_all (&block);
        Py_CLEAR (block.bytes);
    }

    static void forget_hash (PyObject *bytes)
    {
#if defined __GNUC__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif
        reinterpret_cast<PyBytesObject *> (bytes)->ob_shash = -1;
#if defined __GNUC__
#pragma GCC diagnostic pop
#endif
    }

    std::atomic<uint64_t> _made;
    std::atomic<PooledBytes *> _strays;
    std::atomic<bool> _missed;
    std::atomic<size_t> _missed_bytes;
    std::atomic<bool> _wanted[kinds]; // there was none to take: the next copy is made into a new one
    uint16_t _out[slots];
    uint16_t _empty[slots];
    int _out_count = 0;
    int _empty_count = 0;
    int _used = 0; // blocks from there on were never used
    int _cursor = 0;
    int _hand = 0;
    size_t _held = 0;
};

static BytesPool bytes_pool;

#if ZMQLITE_BLOCKS
static void *pool_take (size_t size, void **notes, void **hint)
{
    void *const data = bytes_pool.take (size, notes, hint);
    if (!data)
        bytes_pool.count_missed (size);
    return data;
}

extern "C" {
static void pool_give (void *, void *hint) { bytes_pool.give (hint); }
}

/* Before the first context is made. */
static void offer_pool ()
{
    const zmq_body_source_t source = {pool_take, pool_give, BytesPool::least, BytesPool::most};
    zmq_set_body_source (&source);
}
#else
static void pool_give (void *, void *hint) { bytes_pool.give (hint); }
static void offer_pool () {}
#endif
}

#endif
