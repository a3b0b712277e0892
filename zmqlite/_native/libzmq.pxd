"""The C API of libzmq, in the order of zmq.h. Declarations only."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

cdef extern from "compat.h" nogil:
    int LIBZMQ_ALONE
    int ZMQLITE_BLOCKS
    int ZMQLITE_DRAFTS
    int LIBZMQ_LENDS
    int ZMQLITE_HANG_UP
    int ZMQLITE_PEERS_COUNT, ZMQLITE_PEERS_LIST, ZMQLITE_PEERS_GONE, ZMQLITE_TOPIC_TAKERS
    int ZMQLITE_NUMBERS, ZMQLITE_CONTEXT_NUMBERS, ZMQLITE_DROP_NEWEST
    bint ZMQLITE_FREE_THREADED
    int ZMQLITE_IN_BATCH_SIZE
    int ZMQLITE_OUT_BATCH_SIZE

    # errors
    int EFSM
    int ETERM
    int EMTHREAD
    int ENOTSUP
    int ENOTSOCK
    int EHOSTUNREACH
    int EADDRINUSE
    int libzmq_errno "zmq_errno"()  # Python functions of the core bear the plain names
    const char *zmq_strerror(int errnum)
    void zmq_version(int *major, int *minor, int *patch)

    # context
    int ZMQ_IO_THREADS
    int ZMQ_MAX_SOCKETS
    int ZMQ_SOCKET_LIMIT
    int ZMQ_THREAD_PRIORITY
    int ZMQ_THREAD_SCHED_POLICY
    int ZMQ_THREAD_AFFINITY_CPU_ADD
    int ZMQ_THREAD_AFFINITY_CPU_REMOVE
    int ZMQ_THREAD_NAME_PREFIX
    void *zmq_ctx_new()
    int zmq_ctx_term(void *context)
    int zmq_ctx_shutdown(void *context)
    int zmq_ctx_set(void *context, int option, int optval)
    int zmq_ctx_get(void *context, int option)

    # messages
    ctypedef struct zmq_msg_t:
        pass
    ctypedef void zmq_free_fn(void *data, void *hint) noexcept
    int zmq_msg_init(zmq_msg_t *msg)
    int zmq_msg_init_size(zmq_msg_t *msg, size_t size)
    int zmq_msg_init_data(zmq_msg_t *msg, void *data, size_t size, zmq_free_fn *ffn, void *hint)
    int zmq_msg_send(zmq_msg_t *msg, void *s, int flags)
    int zmq_msg_recv(zmq_msg_t *msg, void *s, int flags)
    int zmq_msg_close(zmq_msg_t *msg)
    int zmq_msg_move(zmq_msg_t *dest, zmq_msg_t *src)
    int zmq_msg_copy(zmq_msg_t *dest, zmq_msg_t *src)
    void *zmq_msg_data(zmq_msg_t *msg)
    size_t zmq_msg_size(const zmq_msg_t *msg)
    int zmq_msg_more(const zmq_msg_t *msg)
    int zmq_msg_get(const zmq_msg_t *msg, int property)
    int zmq_msg_set(zmq_msg_t *msg, int property, int optval)
    const char *zmq_msg_gets(const zmq_msg_t *msg, const char *property)

    void *zmq_msg_detach(zmq_msg_t *msg)  # ours, see bytes_pool.hpp

    # socket types, options, flags
    int ZMQ_PAIR
    int ZMQ_PUB
    int ZMQ_SUB
    int ZMQ_REQ
    int ZMQ_REP
    int ZMQ_DEALER
    int ZMQ_ROUTER
    int ZMQ_PULL
    int ZMQ_PUSH
    int ZMQ_XPUB
    int ZMQ_XSUB
    int ZMQ_STREAM
    int ZMQ_FD
    int ZMQ_EVENTS
    int ZMQ_TYPE
    int ZMQ_LINGER
    int ZMQ_SNDTIMEO
    int ZMQ_RCVTIMEO
    int ZMQ_LAST_ENDPOINT
    int ZMQ_SUBSCRIBE
    int ZMQ_CONNECT_ROUTING_ID
    int ZMQ_THREAD_SAFE
    int ZMQ_USE_FD
    int ZMQ_SHARED
    int ZMQ_DONTWAIT
    int ZMQ_SNDMORE

    # sockets
    void *zmq_socket(void *context, int type)
    int zmq_close(void *s)
    int zmq_setsockopt(void *s, int option, const void *optval, size_t optvallen)
    int zmq_getsockopt(void *s, int option, void *optval, size_t *optvallen)
    int zmq_bind(void *s, const char *addr)
    int zmq_connect(void *s, const char *addr)
    int zmq_unbind(void *s, const char *addr)
    int zmq_disconnect(void *s, const char *addr)
    int zmq_send(void *s, const void *buf, size_t len, int flags)
    int zmq_recv(void *s, void *buf, size_t len, int flags)
    int zmq_socket_monitor(void *s, const char *addr, int events)

    # not in zmq.h: to sleep until there is news for a socket; not for thread-safe types, which have no descriptor
    int zmqlite_sleep(void *s, int most)
    void zmqlite_nap()

    # nor these: several messages at once, without waiting; compat.h says more
    ctypedef struct zmq_body_t:
        const void *data
        size_t size
        zmq_msg_t *msg
    ctypedef struct zmq_received_t:
        const void *data
        size_t size
        int more
        int open
    int zmq_send_several(void *s, const zmq_body_t *bodies, int count)
    int zmq_recv_several(void *s, zmq_msg_t *msgs, zmq_received_t *received, int count, size_t room)

    # polling
    ctypedef int zmq_fd_t
    ctypedef struct zmq_pollitem_t:
        void *socket
        zmq_fd_t fd
        short events
        short revents
    int ZMQ_POLLIN
    int ZMQ_POLLOUT
    int ZMQ_POLLERR
    int ZMQ_POLLPRI
    int libzmq_poll "zmq_poll"(zmq_pollitem_t *items, int nitems, long timeout)

    # capabilities and encryption
    int zmq_has(const char *capability)
    char *zmq_z85_encode(char *dest, const uint8_t *data, size_t size)
    uint8_t *zmq_z85_decode(uint8_t *dest, const char *string)
    int zmq_curve_keypair(char *z85_public_key, char *z85_secret_key)
    int zmq_curve_public(char *z85_public_key, const char *z85_secret_key)

    # drafts (compat.h answers ENOTSUP where this libzmq lacks one)
    int zmq_ctx_set_ext(void *context, int option, const void *optval, size_t optvallen)
    int zmq_ctx_get_ext(void *context, int option, void *optval, size_t *optvallen)
    int zmq_join(void *s, const char *group)
    int zmq_leave(void *s, const char *group)
    uint32_t zmq_connect_peer(void *s, const char *addr)
    int zmq_disconnect_peer(void *s, uint32_t routing_id)
    int zmq_msg_set_routing_id(zmq_msg_t *msg, uint32_t routing_id)
    uint32_t zmq_msg_routing_id(zmq_msg_t *msg)
    int zmq_msg_set_group(zmq_msg_t *msg, const char *group)
    const char *zmq_msg_group(zmq_msg_t *msg)
    int zmq_socket_get_peer_state(void *s, const void *routing_id, size_t size)
    int zmq_socket_monitor_versioned(
        void *s, const char *addr, uint64_t events, int event_version, int type)
    int zmq_socket_monitor_pipes_stats(void *s)
    ctypedef struct zmq_poller_event_t:
        void *socket
        zmq_fd_t fd
        void *user_data
        short events
    void *zmq_poller_new()
    int zmq_poller_destroy(void **poller)
    int zmq_poller_add(void *poller, void *socket, void *user_data, short events)
    int zmq_poller_remove(void *poller, void *socket)
    int zmq_poller_wait_all(void *poller, zmq_poller_event_t *events, int n_events, long timeout)
    int zmq_poller_fd(void *poller, zmq_fd_t *fd)
