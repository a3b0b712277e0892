/* Included before each of libzmq's perf tools when they are compiled for ipc.

   libzmq loses messages when a sender closes an ipc connection while its receiver is at the high
   water mark, so remote_thr, which closes at once, often leaves local_thr waiting for ever. Here
   closing waits for the end of standard input, which the runner closes when the receiver is done. */
#include <stdio.h>
#include <zmq.h>

#define zmq_close(socket) ((void) getchar (), zmq_close (socket))
