/* How long it is worth to wait for what closed sockets held. */
#ifndef ZMQLITE_SHORTAGE_HPP
#define ZMQLITE_SHORTAGE_HPP

#include "base/guard.hpp"

namespace zmqlite
{
const double LONGEST = 0.01; // seconds: the longest pause, after 20 ms in all

/* One wait for descriptors and places to come back. */
struct Shortage
{
    double end = 0; // of the patience; 0 before the first pause
    double pause = 0.0002;
    bool collected = false;
};

/* Pauses and returns true while sockets were closed so lately that to try again is worth it. Sockets
   whose linger keeps them alive, and what is merely in use, are not waited for longer than that. */
static inline bool comes_back (Shortage *shortage, double last_close)
{
    const double patience = 1.0; // seconds; the reaper needs microseconds a socket, if it can run
    const double at = now ();
    if (shortage->end == 0)
        shortage->end = at + patience;
    if (at >= shortage->end || at >= last_close + patience)
        return false;
    pause_thread (shortage->pause);
    if (shortage->pause < LONGEST)
        shortage->pause *= 2;
    return true;
}
}

#endif
