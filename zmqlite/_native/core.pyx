# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, freethreading_compatible=True
# distutils: language = c++
"""The compiled core: the one module with pointers, statically linked to libzmq.

Read in this order: errors (the failure branch), shortage (of descriptors, for a moment), release (memory
lent to libzmq), blocks (memory for large bodies), message (Frame), context, attach (bind and connect),
socket (life and options), transfer (send and receive), poller, proxy, crypto.

The rules of the hot path: try without blocking while the GIL is held; let it go only to wait or to
move a large body; on success read no errno, check no signal, make no enum, enter no Python frame.
"""

include "errors.pxi"
include "shortage.pxi"
include "release.pxi"
include "blocks.pxi"
include "message.pxi"
include "chains.pxi"
include "context.pxi"
include "waiting.pxi"
include "inside.pxi"
include "options.pxi"
include "attach.pxi"
include "socket.pxi"
include "send.pxi"
include "receive.pxi"
include "batch.pxi"
include "stretches.pxi"
include "polling.pxi"
include "watch.pxi"
include "poller.pxi"
include "transfer.pxi"
include "signal.pxi"
include "edges.pxi"
include "fairness.pxi"
include "wait_queue.pxi"
include "dispatcher.pxi"
include "awaiting.pxi"
include "fast_path.pxi"
include "proxy.pxi"
include "crypto.pxi"
include "exit.pxi"
