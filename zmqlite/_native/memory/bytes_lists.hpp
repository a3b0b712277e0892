/* The sizes of the blocks, their table, and the lists of those that are free: any thread takes from a list and gives
   to it, without a lock and without the GIL.

   Of a block that is free nobody may touch the body, and inside libzmq nobody what lies beyond the size that was
   asked for. */
#ifndef ZMQLITE_BYTES_LISTS_HPP
#define ZMQLITE_BYTES_LISTS_HPP

#include <Python.h>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "memory/poison.hpp"

namespace zmqlite
{
struct PooledBytes
{
    PyObject *bytes;
    int kind;                    // of size
    std::atomic<int> next;       // in its list: an index and one, or 0
    PooledBytes *next_stray;
    alignas (16) char notes[64]; // libzmq's
};

/* Made of zeros, like all that is static. */
class BytesLists
{
  protected:
    enum
    {
        first_power = 11, // sizes above 2 KiB
        steps = 16,       // for each power of two, so that at most a sixteenth of a block is unused
        kinds = (22 - first_power) * steps,
        slots = 1024
    };

    static int kind_of (size_t size)
    {
        int power = first_power;
        while ((size - 1) >> (power + 1))
            power++;
        return (power - first_power) * steps
               + static_cast<int> ((size - 1 - (static_cast<size_t> (1) << power)) >> (power - 4));
    }

    static size_t capacity_of (int kind)
    {
        const int power = first_power + kind / steps;
        return (static_cast<size_t> (1) << power)
               + (static_cast<size_t> (kind % steps + 1) << (power - 4));
    }

    /* Its place in the table; `slots` or more if it is of an old one. */
    size_t index_of (const PooledBytes *block) const
    {
        return (reinterpret_cast<uintptr_t> (block) - reinterpret_cast<uintptr_t> (_blocks)) / sizeof (PooledBytes);
    }

    PooledBytes &block_at (int index) { return _blocks[index]; }

    /* After a fork: all that may still come back. Another table, if there is memory for it. */
    bool begin_table ()
    {
        PooledBytes *const fresh = new (std::nothrow) PooledBytes[slots]();
        if (fresh)
            _blocks = fresh;
        return fresh != nullptr;
    }

    /* The upper bits of a list's head count its changes, so that a thread that slept notices them. */
    int pop (int kind)
    {
        uint64_t head = _free[kind].load (std::memory_order_acquire);
        while (head & place_mask) {
            const int index = static_cast<int> (head & place_mask) - 1;
            const uint64_t next = _blocks[index].next.load (std::memory_order_relaxed);
            if (_free[kind].compare_exchange_weak (head, ((head | place_mask) + 1) | next,
                                                   std::memory_order_acquire))
                return index;
        }
        return -1;
    }

    void push (int index)
    {
        hide (&_blocks[index]);
        std::atomic<uint64_t> &list = _free[_blocks[index].kind];
        uint64_t head = list.load (std::memory_order_relaxed);
        do
            _blocks[index].next.store (static_cast<int> (head & place_mask), std::memory_order_relaxed);
        while (!list.compare_exchange_weak (head, ((head | place_mask) + 1) | (index + 1),
                                            std::memory_order_release, std::memory_order_relaxed));
    }

    /* A number that is another one as soon as any block has come or gone. */
    uint64_t list_moves () const
    {
        uint64_t sum = 0;
        for (int kind = 0; kind < kinds; kind++)
            sum += _free[kind].load (std::memory_order_relaxed) >> place_bits;
        return sum;
    }

    /* Nobody may touch the body from now on. */
    static void hide (PooledBytes *block) { show (block, 0); }

    /* So many bytes of it may be touched. */
    static void show (PooledBytes *block, size_t size)
    {
        char *const body = PyBytes_AS_STRING (block->bytes);
        ASAN_POISON_MEMORY_REGION (body, capacity_of (block->kind) + 1);
        ASAN_UNPOISON_MEMORY_REGION (body, size);
    }

    /* All of it, and the NUL: Python has it. */
    static void show_all (PooledBytes *block) { show (block, capacity_of (block->kind) + 1); }

  private:
    enum { place_bits = 16 };
    static const uint64_t place_mask = (1 << place_bits) - 1;

    std::atomic<uint64_t> _free[kinds];
    PooledBytes _first[slots];
    PooledBytes *_blocks = _first;
};
}

#endif
