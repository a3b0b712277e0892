/* Signals are for the interpreter's threads: what starts a thread blocks them meanwhile, for a thread inherits the mask. */
#ifndef ZMQLITE_SIGNAL_MASK_HPP
#define ZMQLITE_SIGNAL_MASK_HPP

#ifndef _WIN32
#include <signal.h>
#endif

namespace zmqlite
{
/* Blocks all signals of this thread for as long as it lives, however the block is left. */
class SignalsBlocked
{
  public:
    SignalsBlocked (const SignalsBlocked &) = delete;
    SignalsBlocked &operator= (const SignalsBlocked &) = delete;
#ifdef _WIN32
    SignalsBlocked () {}
    ~SignalsBlocked () {}
#else
    SignalsBlocked ()
    {
        sigset_t all;
        sigfillset (&all);
        pthread_sigmask (SIG_SETMASK, &all, &_before);
    }
    ~SignalsBlocked () { pthread_sigmask (SIG_SETMASK, &_before, nullptr); }

  private:
    sigset_t _before;
#endif
};
}

#endif
