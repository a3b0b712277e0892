/* How a context ends: in a thread of its own, and what it waits for meanwhile. */
#ifndef ZMQLITE_TERMINATION_HPP
#define ZMQLITE_TERMINATION_HPP

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/signal_mask.hpp"
#include "own_options.h"

namespace zmqlite
{
/* What our own libzmq says of a context whose sockets are closed (unsent-report.patch). */
class Unsent
{
  public:
    typedef int (*Get) (void *context, int option, void *value, size_t *size);

    /* Returns false where libzmq does not know; then nothing else here says anything. */
    bool read (void *context, Get get, int again)
    {
        size_t size = 0;
        try {
            do {
                _numbers.resize (std::max<size_t> (size / sizeof (uint64_t) + 8, _numbers.size ()));
                size = _numbers.size () * sizeof (uint64_t);
                if (get (context, ZMQLITE_UNSENT_REPORT, _numbers.data (), &size) == 0)
                    return known (size);
            } while (errno == again);
        } catch (const std::bad_alloc &) {
        }
        return known (0);
    }

    size_t sockets () const { return _sockets; }
    /* Two of these are equal if nothing has moved in between. */
    uint64_t moves () const { return _numbers[1] + 0x100000000 * messages (); }
    uint64_t messages () const
    {
        uint64_t sum = 0;
        for (size_t i = 0; i != _sockets; ++i)
            sum += unsent (i);
        return sum;
    }
    size_t address (size_t i) const { return static_cast<size_t> (_numbers[2 + 2 * i]); }
    uint64_t unsent (size_t i) const { return _numbers[3 + 2 * i]; }

  private:
    bool known (size_t size)
    {
        _sockets = size < 2 * sizeof (uint64_t) ? 0 : static_cast<size_t> (_numbers[0]);
        return size != 0;
    }

    std::vector<uint64_t> _numbers;
    size_t _sockets = 0;
};

/* What libzmq has of the functions that a termination calls. */
struct TermCalls
{
    int (*term) (void *);
    int (*last_error) ();
    Unsent::Get get;
    int interrupted; // EINTR
    int again;       // ENOBUFS
};

/* zmq_ctx_term in a thread of its own, so that the caller can wait with a limit and be interrupted.
   Nobody else may touch the context from then on, so that the thread tells what it still waits for. */
class Termination
{
  public:
    Termination (void *context, TermCalls calls) : _state (std::make_shared<State> ())
    {
        SignalsBlocked blocked;
        std::shared_ptr<State> state = _state;
        std::thread ([state, context, calls] {
            state->watch (context, calls);
            int error;
            do
                error = calls.term (context) != 0 ? calls.last_error () : 0;
            while (error == calls.interrupted);
            std::lock_guard<std::mutex> guard (state->mutex);
            state->error = error;
            state->done = true;
            state->cv.notify_all ();
        }).detach ();
    }

    bool wait (double seconds)
    {
        std::unique_lock<std::mutex> lock (_state->mutex);
        return _state->cv.wait_for (lock, std::chrono::duration<double> (seconds),
                                    [this] { return _state->done; });
    }

    /* Once it is done: 0, or why the context is still there. */
    int error ()
    {
        std::lock_guard<std::mutex> guard (_state->mutex);
        return _state->error;
    }

    /* Whether it is known, and then how many messages wait, and a number that changes while they move. */
    bool waits_for (uint64_t *messages, uint64_t *moves)
    {
        std::lock_guard<std::mutex> guard (_state->mutex);
        *messages = _state->messages;
        *moves = _state->moves;
        return _state->known;
    }

  private:
    struct State
    {
        int error = 0;
        std::mutex mutex;
        std::condition_variable cv;
        bool done = false;
        bool known = false;
        uint64_t messages = 0;
        uint64_t moves = 0;

        /* Until the sockets have gone: then zmq_ctx_term has nothing to wait for. */
        void watch (void *context, const TermCalls &calls)
        {
            Unsent unsent;
            double pause = 50e-6, past = 0;
            while (unsent.read (context, calls.get, calls.again) && unsent.sockets ()) {
                {
                    std::lock_guard<std::mutex> guard (mutex);
                    known = true;
                    messages = unsent.messages ();
                    moves = unsent.moves ();
                }
                std::this_thread::sleep_for (std::chrono::duration<double> (pause));
                past += pause;
                pause = std::min (pause * 1.5, past < 1 ? 0.005 : 0.05);
            }
        }
    };
    std::shared_ptr<State> _state;
};

/* A termination that goes on when its context was dropped; what the exit of the interpreter has to know. */
struct LeftBehind
{
    Termination *ending = nullptr;
    double patience = 0;
    double limit = 0;
    double kept = 0;
    std::string names;
};

/* NULL when there is no memory or no thread for it. */
static inline Termination *begin_termination (void *context, TermCalls calls)
{
    try {
        return new Termination (context, calls);
    } catch (const std::system_error &) {
        return nullptr;
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}
}

#endif
