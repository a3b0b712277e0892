/* Memory that a burst took goes back when nothing has moved for some seconds.

   Something has to notice that nothing happens, in a program that may sleep: a thread, for as long as more is held than
   is worth keeping. It looks once a second whether a block has moved since, which costs those that move them nothing,
   and takes the GIL only to let go of the blocks. What the C library keeps back of freed memory, which is most of what
   a burst took beside the blocks, is given to the system as well, without the GIL. */
#ifndef ZMQLITE_IDLE_HPP
#define ZMQLITE_IDLE_HPP

#include <Python.h>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#if defined __linux__
#include <malloc.h> // says by __GLIBC__ whether it is there
#endif

#include "memory/bytes_pool.hpp"
#include "base/signal_mask.hpp"

namespace zmqlite
{
/* Any thread, without the GIL: some milliseconds, more with a heap of hundreds of MB. */
static inline void trim_memory ()
{
#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    malloc_trim (0);
#endif
}

struct IdleWatch
{
    std::mutex mutex;
    std::condition_variable cv;
    bool stop = false;
    bool over = false;
};

typedef std::shared_ptr<IdleWatch> IdleHandle;

static IdleHandle *idle_watch = nullptr; // of the thread that runs; with the GIL
static bool idle_finished = false;       // the interpreter ends

/* How long nothing moves before it counts as idle: so many looks, and the time between them. */
enum { idle_looks = 2 };
static const std::chrono::milliseconds idle_pause (1000);

/* With the GIL: lets go of what is idle. Returns whether there is nothing left to wait for. */
static inline bool give_back (const IdleHandle &watch)
{
    if (watch->stop)
        return true;
    bytes_pool.clear ();
    if (bytes_pool.held () > BytesPool::idle_least)
        return false; // inside libzmq
    if (idle_watch && *idle_watch == watch) {
        delete idle_watch;
        idle_watch = nullptr;
    }
    return true;
}

static inline bool idle_stopped (const IdleHandle &watch)
{
    std::unique_lock<std::mutex> lock (watch->mutex);
    return watch->cv.wait_for (lock, idle_pause, [&watch] { return watch->stop; });
}

static inline void watch_until_idle (const IdleHandle &watch)
{
    uint64_t last = bytes_pool.moves ();
    int looks = 0;
    bool over = false;
    while (!over && !idle_stopped (watch)) {
        const uint64_t moves = bytes_pool.moves ();
        if (moves != last) {
            last = moves;
            looks = 0;
        } else if (++looks == idle_looks) {
            const PyGILState_STATE gil = PyGILState_Ensure ();
            over = give_back (watch);
            PyGILState_Release (gil);
            trim_memory ();
            last = bytes_pool.moves ();
        }
    }
    std::lock_guard<std::mutex> lock (watch->mutex);
    watch->over = true;
    watch->cv.notify_all ();
}

/* With the GIL. Without a thread the memory stays until the context ends. */
static void watch_for_idleness ()
{
    if (idle_watch || idle_finished)
        return;
    try {
        std::unique_ptr<IdleHandle> made (new IdleHandle (std::make_shared<IdleWatch> ()));
        const IdleHandle watch = *made;
        SignalsBlocked blocked;
        std::thread ([watch] { watch_until_idle (watch); }).detach ();
        idle_watch = made.release ();
    } catch (const std::bad_alloc &) {
    } catch (const std::system_error &) {
    }
}

/* With the GIL: a message took memory of which the C library may keep some. */
static inline void note_large ()
{
#if ZMQLITE_BLOCKS
    bytes_pool.note ();
#endif
}

/* With the GIL: the thread is to end now; NULL if there is none. `finished` says that there shall be no other. */
static inline IdleHandle *end_idle_watch (bool finished)
{
    IdleHandle *const watch = idle_watch;
    idle_watch = nullptr;
    idle_finished = idle_finished || finished;
    if (watch) {
        std::lock_guard<std::mutex> lock ((*watch)->mutex);
        (*watch)->stop = true;
        (*watch)->cv.notify_all ();
    }
    return watch;
}

/* Without the GIL, which it may be waiting for: until it has ended. */
static inline void await_idle_watch (IdleHandle *watch)
{
    {
        std::unique_lock<std::mutex> lock ((*watch)->mutex);
        (*watch)->cv.wait (lock, [watch] { return (*watch)->over; });
    }
    delete watch;
}

/* In the child of a fork, where that thread is not. Its lock may be held by nobody: it is left where it is. */
static inline void forget_idle_watch ()
{
    idle_watch = nullptr;
}
}

#endif
