/* Many threads use what threads share in libzmq, for ThreadSanitizer: queues and pipes over inproc and
   ipc, mailboxes, the pool of bodies, inproc names that are bound after others connected, sockets that
   are handed on, contexts that end while others work, and what a context says of its sockets while peers
   come and go. No payload may arrive changed or out of order.

       stress [rounds]                                                                            */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>
#include "precompiled.hpp" // for the draft types
#include "ctx.hpp"

#include <zmq.h>

namespace
{
void check (bool good, const char *what)
{
    if (good)
        return;
    fprintf (stderr, "stress: %s (%s)\n", what, zmq_strerror (zmq_errno ()));
    abort ();
}

void *make (void *context, int type)
{
    void *const socket = zmq_socket (context, type);
    check (socket != nullptr, "socket");
    const int linger = 0, limit = 20000;
    zmq_setsockopt (socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt (socket, ZMQ_RCVTIMEO, &limit, sizeof limit);
    zmq_setsockopt (socket, ZMQ_SNDTIMEO, &limit, sizeof limit);
    return socket;
}

/* Bodies of every class of the pool, of the decoder's buffer and beyond. */
size_t size_of (int number)
{
    static const size_t sizes[] = {4, 33, 34, 64, 100, 500, 1500, 1700, 5000, 40000};
    return sizes[number % 10];
}

void send_numbers (void *socket, int count)
{
    for (int i = 0; i < count; i++) {
        zmq_msg_t msg;
        check (zmq_msg_init_size (&msg, size_of (i)) == 0, "message");
        memset (zmq_msg_data (&msg), i & 0xff, zmq_msg_size (&msg));
        memcpy (zmq_msg_data (&msg), &i, sizeof i);
        check (zmq_msg_send (&msg, socket, 0) >= 0, "send");
    }
}

void receive_numbers (void *socket, int count)
{
    for (int i = 0; i < count; i++) {
        zmq_msg_t msg;
        zmq_msg_init (&msg);
        check (zmq_msg_recv (&msg, socket, 0) >= 0, "recv");
        int number;
        memcpy (&number, zmq_msg_data (&msg), sizeof number);
        check (number == i && zmq_msg_size (&msg) == size_of (i), "the order");
        const unsigned char *const data = static_cast<unsigned char *> (zmq_msg_data (&msg));
        for (size_t k = sizeof number; k < zmq_msg_size (&msg); k++)
            check (data[k] == (i & 0xff), "the payload");
        zmq_msg_close (&msg);
    }
}

/* One direction between two threads; `early` connects before the name is bound. */
void pass (void *context, const std::string &endpoint, int count, bool early)
{
    std::atomic<bool> bound (false);
    std::thread sender ([&] {
        while (!early && !bound)
            usleep (100);
        void *const push = make (context, ZMQ_PUSH);
        const int linger = 20000;
        zmq_setsockopt (push, ZMQ_LINGER, &linger, sizeof linger);
        check (zmq_connect (push, endpoint.c_str ()) == 0, "connect");
        send_numbers (push, count);
        zmq_close (push);
    });
    void *const pull = make (context, ZMQ_PULL);
    if (early)
        usleep (500);
    check (zmq_bind (pull, endpoint.c_str ()) == 0, "bind");
    bound = true;
    receive_numbers (pull, count);
    sender.join ();
    zmq_close (pull);
}

/* Questions and answers over a thread-safe pair of types, from several threads at once. */
void ask (void *context, const std::string &endpoint, int count)
{
    void *const server = make (context, ZMQ_SERVER);
    check (zmq_bind (server, endpoint.c_str ()) == 0, "bind");
    void *const client = make (context, ZMQ_CLIENT);
    check (zmq_connect (client, endpoint.c_str ()) == 0, "connect");
    std::thread serving ([&] {
        for (int i = 0; i < 3 * count; i++) {
            zmq_msg_t msg;
            zmq_msg_init (&msg);
            check (zmq_msg_recv (&msg, server, 0) >= 0, "recv");
            check (zmq_msg_send (&msg, server, 0) >= 0, "send");
        }
    });
    std::vector<std::thread> asking;
    for (int thread = 0; thread < 3; thread++)
        asking.emplace_back ([&] {
            for (int i = 0; i < count; i++) {
                check (zmq_send (client, "question", 8, 0) == 8, "send");
                char answer[8];
                check (zmq_recv (client, answer, 8, 0) == 8, "recv");
            }
        });
    for (std::thread &thread : asking)
        thread.join ();
    serving.join ();
    zmq_close (client);
    zmq_close (server);
}

/* Peers that come, say and hear a little, and go: in the middle of it, where the others are full. */
struct way_t
{
    const char *endpoint;
    int bound, connected, conflate;
};

const way_t ways[] = {{"ipc://@watched-pull-", ZMQ_PULL, ZMQ_PUSH, 0},
                      {"inproc://watched-pull-", ZMQ_PULL, ZMQ_PUSH, 0},
                      {"ipc://@watched-push-", ZMQ_PUSH, ZMQ_PULL, 0},
                      {"inproc://watched-router-", ZMQ_ROUTER, ZMQ_DEALER, 0},
                      {"ipc://@watched-pub-", ZMQ_PUB, ZMQ_SUB, 0},
                      {"ipc://@watched-last-", ZMQ_DEALER, ZMQ_DEALER, 1},
                      {"inproc://watched-last-", ZMQ_DEALER, ZMQ_DEALER, 1},
                      {"inproc://watched-radio-", ZMQ_RADIO, ZMQ_DISH, 0}};

void *make_small (void *context, int type, int conflate)
{
    void *const socket = make (context, type);
    const int room = 10;
    zmq_setsockopt (socket, ZMQ_SNDHWM, &room, sizeof room);
    zmq_setsockopt (socket, ZMQ_RCVHWM, &room, sizeof room);
    if (conflate)
        zmq_setsockopt (socket, ZMQ_CONFLATE, &conflate, sizeof conflate);
    if (type == ZMQ_SUB)
        zmq_setsockopt (socket, ZMQ_SUBSCRIBE, "", 0);
    if (type == ZMQ_DISH)
        zmq_join (socket, "group");
    return socket;
}

/* Whatever this type of socket lets one say and hear; nobody waits. */
void talk (void *socket, int type, int count)
{
    static const char body[100] = "body";
    char heard[200];
    for (int i = 0; i < count; i++) {
        zmq_msg_t msg;
        zmq_msg_init_buffer (&msg, body, i & 1 ? 4 : sizeof body);
        if (type == ZMQ_RADIO)
            zmq_msg_set_group (&msg, "group");
        if (zmq_msg_send (&msg, socket, ZMQ_DONTWAIT) < 0)
            zmq_msg_close (&msg);
        zmq_recv (socket, heard, sizeof heard, ZMQ_DONTWAIT);
    }
}

void come_and_go (void *context, const way_t &way, const std::string &own)
{
    const std::string endpoint = way.endpoint + own;
    std::atomic<int> coming (2);
    std::vector<std::thread> peers;
    void *bound = make_small (context, way.bound, way.conflate);
    check (zmq_bind (bound, endpoint.c_str ()) == 0, "bind");
    for (int thread = 0; thread < 2; thread++)
        peers.emplace_back ([&] {
            for (int i = 0; i < 15; i++) {
                void *const peer = make_small (context, way.connected, way.conflate);
                check (zmq_connect (peer, endpoint.c_str ()) == 0, "connect");
                for (int turn = 0; turn < 4; turn++) {
                    talk (peer, way.connected, 30);
                    usleep (200);
                }
                zmq_close (peer);
            }
            coming--;
        });
    for (int turn = 1; coming; turn++) {
        talk (bound, way.bound, 20);
        usleep (100);
        if (turn % 50)
            continue;
        /* This one goes, too, under the peers. */
        zmq_close (bound);
        bound = make_small (context, way.bound, way.conflate);
        while (zmq_bind (bound, endpoint.c_str ()) != 0)
            usleep (100);
    }
    for (std::thread &peer : peers)
        peer.join ();
    zmq_close (bound);
}

/* Reads all that a context says of its sockets: numbers, queues, and what has not been sent. */
void watch (void *context, const std::atomic<bool> &over)
{
    std::vector<char> place (1 << 22);
    for (int i = 0; !over; i++) {
        zmq::numbers_t::room_t room = {place.data (), place.size ()};
        size_t size = sizeof room;
        check (zmq_ctx_get_ext (context, zmq::numbers_t::context_option, &room, &size) == 0, "numbers");
        size = place.size ();
        check (zmq_ctx_get_ext (context, zmq::ctx_t::unsent_report, place.data (), &size) == 0, "what waits");
        if (i % 50 == 0)
            usleep (1000);
    }
}

/* Names that are bound, connected to and given up by several threads, while the context ends. */
void end_early ()
{
    void *const context = zmq_ctx_new ();
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; thread++)
        threads.emplace_back ([context, thread] {
            for (int i = 0; i < 200; i++) {
                void *const socket = zmq_socket (context, thread & 1 ? ZMQ_DEALER : ZMQ_ROUTER);
                if (!socket)
                    return;
                const int linger = 0;
                zmq_setsockopt (socket, ZMQ_LINGER, &linger, sizeof linger);
                const std::string name = "inproc://early-" + std::to_string (i % 5);
                if (thread & 1)
                    zmq_connect (socket, name.c_str ());
                else
                    zmq_bind (socket, name.c_str ());
                zmq_send (socket, "x", 1, ZMQ_DONTWAIT);
                char part[8];
                zmq_recv (socket, part, sizeof part, ZMQ_DONTWAIT);
                zmq_close (socket);
            }
        });
    usleep (3000);
    zmq_ctx_shutdown (context);
    for (std::thread &thread : threads)
        thread.join ();
    zmq_ctx_term (context);
}
}

int main (int argc, char **argv)
{
    const int rounds = argc > 1 ? atoi (argv[1]) : 3;
    for (int round = 0; round < rounds; round++) {
        void *const context = zmq_ctx_new ();
        const std::string own = std::to_string (getpid ()) + "-" + std::to_string (round);
        std::vector<std::thread> pairs;
        for (int i = 0; i < 4; i++)
            pairs.emplace_back ([&, i] {
                const std::string name = (i & 1 ? "inproc://" : "ipc://@stress-") + own + std::to_string (i);
                pass (context, name, 3000, i & 2);
            });
        pairs.emplace_back ([&] { ask (context, "inproc://ask", 300); });
        for (const way_t &way : ways)
            pairs.emplace_back ([&] { come_and_go (context, way, own); });
        std::atomic<bool> over (false);
        std::thread watching ([&] { watch (context, over); });
        for (std::thread &pair : pairs)
            pair.join ();
        over = true;
        watching.join ();
        zmq_ctx_term (context);
        end_early ();
    }
    printf ("%d rounds\n", rounds);
    return 0;
}
