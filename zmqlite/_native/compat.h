/* What every supported libzmq (4.3.4, 4.3.5, master; with or without drafts) looks like to the core.

   A function that this libzmq lacks becomes one that fails with ENOTSUP, so that the code above
   has one shape and the error names the missing feature. */
#ifndef ZMQLITE_COMPAT_H
#define ZMQLITE_COMPAT_H

#include <errno.h>
#ifndef _WIN32
#include <poll.h>
#endif
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "own_options.h"

#ifndef LIBZMQ_ALONE /* 1: libzmq is inside the core, and nobody else has contexts or sockets in it */
#define LIBZMQ_ALONE 0
#endif

/* 1: this libzmq has our patch that lets it read large bodies into memory of ours. Not where threads share
   objects without the GIL: the last reference to one cannot be told from others there. */
#if defined LIBZMQ_HAS_LARGE_INPUT && !defined Py_GIL_DISABLED
#ifdef __cplusplus
extern "C" {
#endif
typedef struct
{
    void *(*take) (size_t size, void **notes, void **hint);
    zmq_free_fn *give;
    size_t least;
    size_t most;
} zmq_body_source_t;
void zmq_set_body_source (const zmq_body_source_t *source);
void *zmq_msg_detach (zmq_msg_t *msg);
#ifdef __cplusplus
}
#endif
#define ZMQLITE_BLOCKS 1
#else
#define ZMQLITE_BLOCKS 0
static inline void *zmq_msg_detach (zmq_msg_t *msg)
{
    (void) msg;
    return NULL;
}
#endif

/* A function that this libzmq lacks, and what it returns. */
#define ZMQLITE_LACKS(type, value, name, ...)                                                      \
    static inline type name (__VA_ARGS__)                                                          \
    {                                                                                              \
        errno = ENOTSUP;                                                                           \
        return value;                                                                              \
    }

#ifdef ZMQ_BUILD_DRAFT_API
#define ZMQLITE_DRAFTS 1
#else
#define ZMQLITE_DRAFTS 0

typedef struct
{
    void *socket;
    int fd;
    void *user_data;
    short events;
} zmq_poller_event_t;

ZMQLITE_LACKS (int, -1, zmq_ctx_set_ext, void *c, int o, const void *v, size_t n)
ZMQLITE_LACKS (int, -1, zmq_ctx_get_ext, void *c, int o, void *v, size_t *n)
ZMQLITE_LACKS (int, -1, zmq_join, void *s, const char *g)
ZMQLITE_LACKS (int, -1, zmq_leave, void *s, const char *g)
ZMQLITE_LACKS (uint32_t, 0, zmq_connect_peer, void *s, const char *a)
ZMQLITE_LACKS (int, -1, zmq_msg_set_routing_id, zmq_msg_t *m, uint32_t id)
ZMQLITE_LACKS (uint32_t, 0, zmq_msg_routing_id, zmq_msg_t *m)
ZMQLITE_LACKS (int, -1, zmq_msg_set_group, zmq_msg_t *m, const char *g)
ZMQLITE_LACKS (const char *, "", zmq_msg_group, zmq_msg_t *m)
ZMQLITE_LACKS (int, -1, zmq_socket_get_peer_state, void *s, const void *id, size_t n)
ZMQLITE_LACKS (int, -1, zmq_socket_monitor_pipes_stats, void *s)
ZMQLITE_LACKS (void *, NULL, zmq_poller_new, void)
ZMQLITE_LACKS (int, -1, zmq_poller_destroy, void **p)
ZMQLITE_LACKS (int, -1, zmq_poller_add, void *p, void *s, void *u, short e)
ZMQLITE_LACKS (int, -1, zmq_poller_remove, void *p, void *s)
ZMQLITE_LACKS (int, -1, zmq_poller_wait_all, void *p, zmq_poller_event_t *e, int n, long t)
ZMQLITE_LACKS (int, -1, zmq_poller_fd, void *p, int *fd)
static inline int
zmq_socket_monitor_versioned (void *s, const char *a, uint64_t e, int version, int type)
{
    if (version == 1 && type == ZMQ_PAIR)
        return zmq_socket_monitor (s, a, (int) e);
    errno = ENOTSUP;
    return -1;
}
#endif

/* Only libzmq's master has it, and no version macro tells: the build defines this after a look at the header. */
#ifndef HAVE_ZMQ_DISCONNECT_PEER
ZMQLITE_LACKS (int, -1, zmq_disconnect_peer, void *s, uint32_t id)
#endif

/* An option of our own: a STREAM hangs up on the peer of this routing id, although that is full. See
   stream-hang-up.patch. */
#ifdef LIBZMQ_HAS_STREAM_HANG_UP
#define ZMQLITE_HANG_UP ZMQLITE_STREAM_HANG_UP
#else
#define ZMQLITE_HANG_UP -1
#endif

#ifdef LIBZMQ_HAS_LENT_BODIES
#define LIBZMQ_LENDS 1
#ifdef __cplusplus
extern "C" {
#endif
/* A message over `data`. What libzmq keeps about it lies in `content`, 5 pointers long, which must last as `data`. */
void zmq_msg_init_lent (
  zmq_msg_t *msg, void *content, void *data, size_t size, zmq_free_fn *ffn, void *hint);
/* The hint of a message that was made with that function; else NULL. */
void *zmq_msg_lender (const zmq_msg_t *msg, zmq_free_fn *ffn);
/* Closes such a message without a call of its function; returns whether the call would have been due. */
int zmq_msg_close_lent (zmq_msg_t *msg);
#ifdef __cplusplus
}
#endif
#else
#define LIBZMQ_LENDS 0
ZMQLITE_LACKS (void *, NULL, zmq_msg_lender, const zmq_msg_t *m, zmq_free_fn *f)
ZMQLITE_LACKS (int, -1, zmq_msg_close_lent, zmq_msg_t *m)
#endif

/* Sleeps at most so many ms (-1 for no limit) on the descriptor that tells of news for a socket. It speaks up
   only once libzmq has read all that there was. Returns as poll() does; what the news are has to be found out. */
static inline int zmqlite_sleep (void *s, int most)
{
    zmq_pollitem_t item = {NULL, 0, ZMQ_POLLIN, 0};
    size_t size = sizeof item.fd;
    if (zmq_getsockopt (s, ZMQ_FD, &item.fd, &size) != 0)
        return -1;
#ifdef _WIN32
    return zmq_poll (&item, 1, most);
#else /* zmq_poll would ask twice */
    struct pollfd news = {item.fd, POLLIN, 0};
    return poll (&news, 1, most);
#endif
}

/* Sleeps for a millisecond; a signal ends it. */
static inline void zmqlite_nap (void)
{
#ifdef _WIN32
    Sleep (1);
#else
    poll (NULL, 0, 1);
#endif
}

#ifdef Py_GIL_DISABLED
#define ZMQLITE_FREE_THREADED 1
#else
#define ZMQLITE_FREE_THREADED 0
#endif

/* Several messages in one call, without waiting; both return how many, or -1 with errno. To send is a copy of
   the bytes or, if there is one, the message. What is received and open has to be closed. Any other libzmq
   gets them one by one. */
typedef struct
{
    const void *data;
    size_t size;
    zmq_msg_t *msg;
} zmq_body_t;
typedef struct
{
    const void *data;
    size_t size;
    int more;
    int open;
} zmq_received_t;
#ifdef LIBZMQ_HAS_SEVERAL_MESSAGES
extern "C" int zmq_send_several (void *s, const zmq_body_t *bodies, int count);
extern "C" int
zmq_recv_several (void *s, zmq_msg_t *msgs, zmq_received_t *received, int count, size_t room);
#else
static inline int zmq_send_several (void *s, const zmq_body_t *bodies, int count)
{
    int sent = 0;
    for (; sent != count; ++sent) {
        const zmq_body_t *body = bodies + sent;
        if ((body->msg ? zmq_msg_send (body->msg, s, ZMQ_DONTWAIT)
                       : zmq_send (s, body->data, body->size, ZMQ_DONTWAIT))
            < 0)
            break;
    }
    return sent ? sent : -1;
}
static inline int
zmq_recv_several (void *s, zmq_msg_t *msgs, zmq_received_t *received, int count, size_t room)
{
    int got = 0;
    while (got != count && room) {
        zmq_msg_init (msgs + got);
        if (zmq_msg_recv (msgs + got, s, ZMQ_DONTWAIT) < 0)
            break;
        received[got].data = zmq_msg_data (msgs + got);
        received[got].size = zmq_msg_size (msgs + got);
        received[got].more = zmq_msg_more (msgs + got);
        received[got].open = 1;
        room -= received[got].size < room ? received[got].size : room;
        ++got;
    }
    return got ? got : -1;
}
#endif

/* Draft option numbers, needed even where the header hides them; they never changed. */
#define ZMQLITE_IN_BATCH_SIZE 101
#define ZMQLITE_OUT_BATCH_SIZE 102

#endif
