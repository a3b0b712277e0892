//  What of libzmq a program for Windows can show by itself: it ends with "all ok".
//  Run by `.ci/features windows` under Wine, which lacks AF_UNIX: ipc may fail to bind.
#include <zmq.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

static void fail (int line, const char *what)
{
    printf ("line %d: %s: %s\n", line, what, zmq_strerror (zmq_errno ()));
    exit (1);
}

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            fail (__LINE__, #condition);                                       \
    } while (0)

static void *open (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    CHECK (socket);
    const int patience = 20000, none = 0;
    CHECK (zmq_setsockopt (socket, ZMQ_RCVTIMEO, &patience, sizeof patience) == 0);
    CHECK (zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none) == 0);
    return socket;
}

static std::string endpoint_of (void *socket)
{
    char text[300];
    size_t size = sizeof text;
    CHECK (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, text, &size) == 0);
    return text;
}

//  Small parts and large ones, many times; then the endpoint is given back.
static void exchange (void *context, const char *address, bool may_fail = false)
{
    void *pull = open (context, ZMQ_PULL), *push = open (context, ZMQ_PUSH);
    if (zmq_bind (pull, address) == 0) {
        const std::string endpoint = endpoint_of (pull), large (300000, 'x');
        CHECK (zmq_connect (push, endpoint.c_str ()) == 0);
        for (int i = 0; i != 50; ++i) {
            CHECK (zmq_send (push, "small", 5, ZMQ_SNDMORE) == 5);
            CHECK (zmq_send (push, large.data (), large.size (), 0) == (int) large.size ());
            std::vector<char> got (large.size ());
            CHECK (zmq_recv (pull, got.data (), got.size (), 0) == 5);
            CHECK (zmq_recv (pull, got.data (), got.size (), 0) == (int) large.size ());
        }
        CHECK (zmq_unbind (pull, endpoint.c_str ()) == 0);
        printf ("%s\n", endpoint.c_str ());
    } else {
        CHECK (may_fail);
        printf ("%s: cannot be bound here\n", address);
    }
    zmq_close (push);
    zmq_close (pull);
}

//  More sockets than fit into a poller's fixed arrays.
static void poll_many (void *context)
{
    const int count = 40;
    void *here[count], *there[count], *poller = zmq_poller_new ();
    std::vector<zmq_pollitem_t> items;
    for (int i = 0; i != count; ++i) {
        const std::string name = "inproc://" + std::to_string (i);
        here[i] = open (context, i % 2 ? ZMQ_SERVER : ZMQ_PAIR);
        there[i] = open (context, i % 2 ? ZMQ_CLIENT : ZMQ_PAIR);
        CHECK (zmq_bind (here[i], name.c_str ()) == 0);
        CHECK (zmq_connect (there[i], name.c_str ()) == 0);
        CHECK (zmq_poller_add (poller, here[i], NULL, ZMQ_POLLIN) == 0);
        if (i % 2 == 0)
            items.push_back ({here[i], 0, ZMQ_POLLIN, 0});
    }
    for (int i = 0; i != count; ++i) {
        char byte;
        CHECK (zmq_send (there[i], "x", 1, 0) == 1);
        if (i % 2 == 0)
            CHECK (zmq_poll (items.data (), (int) items.size (), 20000) == 1);
        zmq_poller_event_t event;
        CHECK (zmq_poller_wait (poller, &event, 20000) == 0);
        CHECK (event.socket == here[i]);
        CHECK (zmq_recv (here[i], &byte, 1, 0) == 1);
    }
    CHECK (zmq_poller_destroy (&poller) == 0);
    for (int i = 0; i != count; ++i) {
        zmq_close (here[i]);
        zmq_close (there[i]);
    }
    printf ("a poller of %d\n", count);
}

static void broadcast (void *context)
{
    void *dish = open (context, ZMQ_DISH), *radio = open (context, ZMQ_RADIO);
    CHECK (zmq_bind (dish, "udp://127.0.0.1:*") == 0);
    const std::string endpoint = endpoint_of (dish);
    CHECK (zmq_join (dish, "group") == 0);
    CHECK (zmq_connect (radio, endpoint.c_str ()) == 0);
    zmq_msg_t message;
    CHECK (zmq_msg_init_size (&message, 5) == 0);
    CHECK (zmq_msg_set_group (&message, "group") == 0);
    CHECK (zmq_msg_send (&message, radio, 0) == 5);
    CHECK (zmq_msg_init (&message) == 0);
    CHECK (zmq_msg_recv (&message, dish, 0) == 5);
    CHECK (zmq_msg_close (&message) == 0);
    CHECK (zmq_unbind (dish, endpoint.c_str ()) == 0);
    zmq_close (dish);
    zmq_close (radio);
    printf ("%s\n", endpoint.c_str ());
}

int main ()
{
    setvbuf (stdout, NULL, _IONBF, 0);
    void *context = zmq_ctx_new ();
    CHECK (context);
    CHECK (zmq_ctx_set_ext (context, ZMQ_THREAD_NAME_PREFIX, "test", 4) == 0);
    exchange (context, "inproc://here");
    exchange (context, "tcp://127.0.0.1:*");
    exchange (context, "tcp://localhost:*");
    exchange (context, "ws://127.0.0.1:*/a/path");
    exchange (context, "ipc://*", true);
    poll_many (context);
    broadcast (context);
    char public_key[41], secret_key[41];
    CHECK (zmq_curve_keypair (public_key, secret_key) == 0);
    CHECK (zmq_ctx_term (context) == 0);
    printf ("all ok\n");
    return 0;
}
