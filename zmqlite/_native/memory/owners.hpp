/* Which object lent bytes belong to, by their address: for a libzmq that cannot tell it by itself. */
#ifndef ZMQLITE_OWNERS_HPP
#define ZMQLITE_OWNERS_HPP

#include <Python.h>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>

namespace zmqlite
{
/* Open addressing, linear probing, backward-shift deletion; counts how often an address is lent. */
template <class mutex> class OwnerTable
{
  public:
    void add (void *key, PyObject *owner)
    {
        std::lock_guard<mutex> guard (_mutex);
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
        std::lock_guard<mutex> guard (_mutex);
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
        std::lock_guard<mutex> guard (_mutex);
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

  private:
    struct Entry
    {
        void *key = nullptr;
        PyObject *owner = nullptr;
        size_t count = 0;
    };

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
    mutex _mutex;
};
}

#endif
