/* Time for the other threads of Python beside an event loop that never waits. */
#ifndef ZMQLITE_RELIEF_HPP
#define ZMQLITE_RELIEF_HPP

#include <Python.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#endif

#include "base/guard.hpp"

namespace zmqlite
{
/* How long this thread has used a processor, in seconds. */
static inline double thread_seconds ()
{
#ifdef _WIN32
    FILETIME ignored, kernel, user;
    if (!GetThreadTimes (GetCurrentThread (), &ignored, &ignored, &kernel, &user))
        return 0;
    return 1e-7
           * (static_cast<double> (kernel.dwLowDateTime) + static_cast<double> (user.dwLowDateTime)
              + 4294967296.0
                  * (static_cast<double> (kernel.dwHighDateTime)
                     + static_cast<double> (user.dwHighDateTime)));
#else
    struct timespec time;
    if (clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time) != 0)
        return 0;
    return static_cast<double> (time.tv_sec) + 1e-9 * static_cast<double> (time.tv_nsec);
#endif
}

/* Whether the interpreter has other threads. With the GIL. */
static inline bool other_threads ()
{
    PyThreadState *const first =
      PyInterpreterState_ThreadHead (PyThreadState_GetInterpreter (PyThreadState_Get ()));
    return first != NULL && PyThreadState_Next (first) != NULL;
}

/* Sleep for as long as a thread needs to wake up. Without the GIL. */
static inline void nap ()
{
#ifdef _WIN32
    /* to sleep would take a tick of the system, 1 to 16 ms */
    const double end = now () + 100e-6;
    do
        SwitchToThread ();
    while (now () < end);
#else
    const struct timespec moment = {0, 20000};
    nanosleep (&moment, NULL);
#endif
}
}

#endif
