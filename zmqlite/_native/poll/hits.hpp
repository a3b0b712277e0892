/* What one poll has found. Not a list of tuples: making those may run the collector, and with it code that changes the
   poller while it is being looked at. The list for the caller is made when the poller has been left. */
#ifndef ZMQLITE_HITS_HPP
#define ZMQLITE_HITS_HPP

#include <Python.h>
#include <algorithm>
#include <cstdlib>

namespace zmqlite
{
/* With the GIL held. Keeps each watch alive; lives on a stack. */
class Hits
{
  public:
    Hits () : _all (_few) {}
    Hits (const Hits &) = delete;
    Hits &operator= (const Hits &) = delete;

    ~Hits ()
    {
        while (_count)
            Py_DECREF (_all[--_count].watch);
        if (_all != _few)
            free (_all);
    }

    /* Returns false when there is no memory. `place` is where it comes in the list. Without events it is
       not ready, but others want to hear what was read of it: once, however often a long poll looks. */
    bool add (PyObject *watch, int place, int fd, int events)
    {
        for (int i = 0; !events && i != _count; ++i)
            if (_all[i].watch == watch)
                return true;
        if (_count == _room && !grow ())
            return false;
        Py_INCREF (watch);
        _ready += events != 0;
        _all[_count++] = {watch, place, fd, events};
        return true;
    }

    void sort ()
    {
        std::sort (_all, _all + _count, [] (const Hit &a, const Hit &b) { return a.place < b.place; });
    }

    int count () const { return _count; }
    int ready () const { return _ready; }
    PyObject *watch (int number) const { return _all[number].watch; }
    int fd (int number) const { return _all[number].fd; }
    int events (int number) const { return _all[number].events; }

  private:
    struct Hit
    {
        PyObject *watch;
        int place;
        int fd;
        int events;
    };
    enum { few = 16 };

    bool grow ()
    {
        Hit *const more = static_cast<Hit *> (malloc (2 * _room * sizeof (Hit)));
        if (!more)
            return false;
        std::copy (_all, _all + _count, more);
        if (_all != _few)
            free (_all);
        _all = more;
        _room *= 2;
        return true;
    }

    Hit _few[few];
    Hit *_all;
    int _count = 0;
    int _ready = 0;
    int _room = few;
};
}

#endif
