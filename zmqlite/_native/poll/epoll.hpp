/* epoll where there is one. Elsewhere the functions say so, and the poller uses zmq_poll. */
#ifndef ZMQLITE_EPOLL_HPP
#define ZMQLITE_EPOLL_HPP

#include <atomic>
#include <errno.h>

namespace zmqlite
{
/* What others tell a poller while its thread works or sleeps. Each is written before the other one is read, with a
   full fence between where there is no GIL. */
struct Wakeup
{
    std::atomic<int> signalled;  // a watch became dirty, or closed, since the last look
    std::atomic<int> asleep;     // its thread sleeps, or is about to
    std::atomic<int> armed;      // how many wait for its descriptor in an event loop
    std::atomic<int> closed;     // how many of the registered sockets were closed
};

static inline void wakeup_reset (Wakeup *w)
{
    w->signalled.store (0, std::memory_order_relaxed);
    w->asleep.store (0, std::memory_order_relaxed);
    w->armed.store (0, std::memory_order_relaxed);
    w->closed.store (0, std::memory_order_relaxed);
}
static inline void wakeup_set_signalled (Wakeup *w, bool on) { w->signalled.store (on, std::memory_order_relaxed); }
static inline bool wakeup_signalled (Wakeup *w) { return w->signalled.load (std::memory_order_relaxed); }
static inline void wakeup_set_asleep (Wakeup *w, bool on) { w->asleep.store (on, std::memory_order_relaxed); }
static inline bool wakeup_asleep (Wakeup *w) { return w->asleep.load (std::memory_order_relaxed); }
static inline int wakeup_arm (Wakeup *w, int more)
{
    return w->armed.fetch_add (more, std::memory_order_relaxed) + more;
}
static inline int wakeup_close (Wakeup *w, int more)
{
    return w->closed.fetch_add (more, std::memory_order_relaxed) + more;
}
}

#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace zmqlite
{
enum { have_epoll = 1 };
typedef struct epoll_event Readable;

static inline void *readable_watch (const Readable *found)
{
    return found->data.ptr;
}

/* POLLIN 1, POLLOUT 2, POLLERR 4, POLLPRI 8, as libzmq counts. */
static inline int readable_events (const Readable *found)
{
    const unsigned bits = found->events;
    return (bits & EPOLLIN ? 1 : 0) | (bits & EPOLLOUT ? 2 : 0)
           | (bits & (EPOLLERR | EPOLLHUP) ? 4 : 0) | (bits & EPOLLPRI ? 8 : 0);
}

static inline int epoll_open ()
{
    return epoll_create1 (EPOLL_CLOEXEC);
}

static inline void epoll_end (int set)
{
    if (set >= 0)
        close (set);
}

/* A descriptor that wakes a set: its watch is NULL. The one that there is, if there is one, which then stays open.
   Returns it, or -1. */
static inline int wakeup_fd_open (int set, int known)
{
    const int fd = known >= 0 ? known : eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {};
    event.events = EPOLLIN;
    if (fd >= 0 && epoll_ctl (set, EPOLL_CTL_ADD, fd, &event) != 0) {
        if (known < 0)
            close (fd);
        return -1;
    }
    return fd;
}

static inline void wakeup_fd_set (int fd)
{
    eventfd_write (fd, 1);
}

static inline void wakeup_fd_clear (int fd)
{
    eventfd_t count;
    eventfd_read (fd, &count);
}

static inline int epoll_put (int set, int fd, int events, void *watch, bool change)
{
    struct epoll_event event = {};
    event.events = (events & 1 ? EPOLLIN : 0) | (events & 2 ? EPOLLOUT : 0) | (events & 8 ? EPOLLPRI : 0);
    event.data.ptr = watch;
    return epoll_ctl (set, change ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

/* Returns whether it was there. */
static inline bool epoll_take (int set, int fd)
{
    struct epoll_event event = {};
    return epoll_ctl (set, EPOLL_CTL_DEL, fd, &event) == 0;
}

/* Returns how many are ready, or -errno. */
static inline int epoll_ready (int set, Readable *found, int most, int timeout)
{
    const int count = epoll_wait (set, found, most, timeout);
    return count < 0 ? -errno : count;
}
}

#else

namespace zmqlite
{
enum { have_epoll = 0 };
struct Readable
{
    void *watch;
};
static inline void *readable_watch (const Readable *found) { return found->watch; }
static inline int readable_events (const Readable *) { return 0; }
static inline int epoll_open () { return -1; }
static inline void epoll_end (int) {}
static inline int wakeup_fd_open (int, int) { return -1; }
static inline void wakeup_fd_set (int) {}
static inline void wakeup_fd_clear (int) {}
static inline int epoll_put (int, int, int, void *, bool) { return ENOSYS; }
static inline bool epoll_take (int, int) { return true; }
static inline int epoll_ready (int, Readable *, int, int) { return -ENOSYS; }
}

#endif
#endif
