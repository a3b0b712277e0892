/* What libzmq itself takes: `memory messages SIZE COUNT` queues messages, `memory sockets 0 COUNT`
   opens and binds sockets. Prints bytes for each by the resident set, and how long it all took. */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>
#include <zmq.h>

static void check (bool fine, const char *what)
{
    if (!fine) {
        std::fprintf (stderr, "%s: %s\n", what, zmq_strerror (zmq_errno ()));
        std::exit (1);
    }
}

static long resident ()
{
    long size = 0, pages = 0;
    std::FILE *file = std::fopen ("/proc/self/statm", "r");
    check (file && std::fscanf (file, "%ld %ld", &size, &pages) == 2, "statm");
    std::fclose (file);
    return pages * sysconf (_SC_PAGESIZE);
}

static void *open_bound (void *context, const std::string &place)
{
    void *socket = zmq_socket (context, ZMQ_PULL);
    check (socket, "zmq_socket");
    int none = 0;
    zmq_setsockopt (socket, ZMQ_RCVHWM, &none, sizeof none);
    check (zmq_bind (socket, place.c_str ()) == 0, "zmq_bind");
    return socket;
}

static void send (void *socket, size_t size)
{
    zmq_msg_t message;
    check (zmq_msg_init_size (&message, size) == 0, "zmq_msg_init_size");
    std::memset (zmq_msg_data (&message), 0, size);
    check (zmq_msg_send (&message, socket, 0) >= 0, "zmq_msg_send");
}

int main (int argc, char **argv)
{
    check (argc == 4, "usage: memory messages|sockets SIZE COUNT");
    const bool messages = std::strcmp (argv[1], "messages") == 0;
    const size_t size = std::strtoul (argv[2], NULL, 10);
    const int count = std::atoi (argv[3]);

    void *context = zmq_ctx_new ();
    zmq_ctx_set (context, ZMQ_MAX_SOCKETS, count + 100);
    void *pull = open_bound (context, "inproc://first");
    void *push = zmq_socket (context, ZMQ_PUSH);
    int none = 0;
    zmq_setsockopt (push, ZMQ_SNDHWM, &none, sizeof none);
    check (zmq_connect (push, "inproc://first") == 0, "zmq_connect");
    send (push, size);
    char taken[1];
    check (zmq_recv (pull, taken, sizeof taken, 0) >= 0, "zmq_recv");

    const long before = resident ();
    const std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now ();
    for (int i = 0; i < count; ++i) {
        if (messages)
            send (push, size);
        else
            open_bound (context, "inproc://sockets-" + std::to_string (i));
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now () - begin;
    std::printf ("memory: %.3f [B]\n", double (resident () - before) / count);
    std::printf ("took: %.6f [s]\n", took.count ());
    std::fflush (stdout);
    _exit (0);
}
