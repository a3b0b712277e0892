/* What libzmq assumes when a context starts, tried out before: it aborts where it is wrong. */
#ifndef ZMQLITE_START_CHECK_HPP
#define ZMQLITE_START_CHECK_HPP

#include <condition_variable>
#include <errno.h>
#include <mutex>
#include <new>
#include <vector>

#include "base/signal_mask.hpp"

#ifndef _WIN32
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#endif

namespace zmqlite
{
/* How the threads of a context are to run; -1 is libzmq's "as it comes". */
struct Schedule
{
    int policy = -1;
    int priority = -1;
    std::vector<int> cpus;
};

#ifdef _WIN32
static inline bool descriptors_left (int) { return true; }
static inline int threads_left (int, const Schedule *) { return 0; }
#else

/* Whether `count` more descriptors can be opened. */
static inline bool descriptors_left (int count)
{
    std::vector<int> opened;
    try {
        opened.reserve (count); // first: what is open has to be closed again
    } catch (const std::bad_alloc &) {
        return false;
    }
    while (static_cast<int> (opened.size ()) < count) {
        const int fd = opened.empty () ? open ("/dev/null", O_RDONLY | O_CLOEXEC)
                                       : fcntl (opened[0], F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            break;
        opened.push_back (fd);
    }
    for (const int fd : opened)
        close (fd);
    return static_cast<int> (opened.size ()) == count;
}

/* What each of libzmq's threads does first, for the thread that calls it. Returns an errno. */
static inline int schedule_thread (const Schedule *how)
{
    int policy = 0;
    struct sched_param param;
    int error = pthread_getschedparam (pthread_self (), &policy, &param);
    if (error)
        return error;
    if (how->policy != -1)
        policy = how->policy;
    const bool real_time = policy == SCHED_FIFO || policy == SCHED_RR;
    if (how->priority != -1)
        param.sched_priority = real_time ? how->priority : 0;
    error = pthread_setschedparam (pthread_self (), policy, &param);
#ifdef __linux__ // elsewhere `nice` is for the whole process
    if (!error && !real_time && how->priority != -1) {
        errno = 0;
        if (nice (-20) == -1 && errno)
            return errno;
    }
    if (!error && !how->cpus.empty ()) {
        cpu_set_t set;
        CPU_ZERO (&set);
        for (const int cpu : how->cpus)
            CPU_SET (cpu, &set);
        error = pthread_setaffinity_np (pthread_self (), sizeof set, &set);
    }
#endif
    return error;
}

struct StartCheck
{
    const Schedule *how;
    std::mutex mutex;
    std::condition_variable cv;
    int error = 0;
    bool over = false;
};

static inline void *try_thread (void *arg)
{
    StartCheck *trial = static_cast<StartCheck *> (arg);
    const int error = schedule_thread (trial->how);
    std::unique_lock<std::mutex> lock (trial->mutex);
    if (error)
        trial->error = error;
    trial->cv.wait (lock, [trial] { return trial->over; });
    return nullptr;
}

/* Whether `count` threads can run at once, in that way. Returns 0, or an errno: EAGAIN for too many. */
static inline int threads_left (int count, const Schedule *how)
{
    StartCheck trial;
    std::vector<pthread_t> threads;
    int error = 0;
    trial.how = how;
    try {
        threads.reserve (count); // first: once a thread runs, nothing here may fail
    } catch (const std::bad_alloc &) {
        return EAGAIN;
    }
    {
        SignalsBlocked blocked;
        while (!error && static_cast<int> (threads.size ()) < count) {
            pthread_t thread;
            error = pthread_create (&thread, nullptr, try_thread, &trial);
            if (!error)
                threads.push_back (thread);
        }
    }
    {
        std::lock_guard<std::mutex> guard (trial.mutex);
        trial.over = true;
        trial.cv.notify_all ();
    }
    for (const pthread_t thread : threads)
        pthread_join (thread, nullptr);
    return error ? error : trial.error;
}
#endif
}

#endif
