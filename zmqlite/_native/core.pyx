# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, freethreading_compatible=True
# distutils: language = c++
"""The compiled core: the one module with pointers, statically linked to libzmq.

One extension module, so one file a noun is included here; the folders say what belongs together:

base      errors (the failure branch), short supply of descriptors, live objects, thread guard, fork and exit
memory    zero-copy sends and their release, the pool of bytes objects, Frame
socket    context, waiting, options, endpoints, send, receive, batches, and the methods that call them
poll      zmq_poll, the lasting Poller over epoll, a descriptor for thread-safe types
loop      what event loops share: edge state, fairness, waiters, the way without suspending
extra     proxy, CURVE keys, versions

The order is that of Cython: what is used stands before what uses it. docs/internals.md follows a message
through these files.

The rules of the hot path: try without blocking while the GIL is held; let it go only to wait or to
move a large body; on success read no errno, check no signal, make no enum, enter no Python frame.
"""

include "base/errors.pxi"
include "base/shortage.pxi"
include "memory/zero_copy.pxi"
include "memory/bytes_pool.pxi"
include "memory/frame.pxi"
include "base/registry.pxi"
include "socket/ending.pxi"
include "socket/context.pxi"
include "socket/terminate.pxi"
include "socket/wait.pxi"
include "base/guard.pxi"
include "socket/options.pxi"
include "socket/endpoints.pxi"
include "socket/socket.pxi"
include "socket/send.pxi"
include "socket/receive.pxi"
include "socket/batch.pxi"
include "loop/stretches.pxi"
include "poll/zmq_poll.pxi"
include "poll/watch.pxi"
include "poll/poller.pxi"
include "socket/methods.pxi"
include "poll/ready_fd.pxi"
include "loop/edge_state.pxi"
include "loop/fairness.pxi"
include "loop/wait_queue.pxi"
include "loop/dispatcher.pxi"
include "loop/awaiting.pxi"
include "loop/fast_path.pxi"
include "extra/proxy.pxi"
include "extra/curve.pxi"
include "base/lifecycle.pxi"
