/* A connection of which the fuzzer holds one end and a socket of libzmq, in this process, the other. */
#ifndef FUZZ_RAW_HPP
#define FUZZ_RAW_HPP

#include <arpa/inet.h>
#include <cstddef>
#include <cstring>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

class Raw
{
  public:
    explicit Raw (int fd = -1) : _fd (fd) {}
    ~Raw () { reset (); }
    Raw (const Raw &) = delete;
    Raw &operator= (const Raw &) = delete;

    bool open () const { return _fd >= 0; }

    void take (int fd)
    {
        reset ();
        _fd = fd;
        _seen.clear ();
    }

    /* Sends what the kernel takes at once, and waits until the other end has read it. */
    void send (const std::string &bytes)
    {
        if (_fd < 0)
            return;
        size_t sent = 0;
        for (int tries = 0; sent < bytes.size () && tries < 8; tries++) {
            const ssize_t rc = ::send (_fd, bytes.data () + sent, bytes.size () - sent,
                                       MSG_NOSIGNAL | MSG_DONTWAIT);
            if (rc > 0)
                sent += static_cast<size_t> (rc);
            else
                usleep (20);
            settle ();
        }
    }

    /* Waits until all that was sent has been read, for a quarter of a millisecond at most. */
    void settle ()
    {
        for (int i = 0; _fd >= 0 && i < 25; i++) {
            int queued = 0;
            if (ioctl (_fd, SIOCOUTQ, &queued) || !queued)
                return;
            usleep (10);
        }
    }

    /* What has come until now; waits for the first of it, if so wished. */
    const std::string &hear (int milliseconds)
    {
        char buffer[4096];
        struct pollfd wanted = {_fd, POLLIN, 0};
        if (_fd >= 0 && poll (&wanted, 1, milliseconds) == 1) {
            ssize_t rc;
            while ((rc = recv (_fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0 && _seen.size () < 65536)
                _seen.append (buffer, static_cast<size_t> (rc));
        }
        return _seen;
    }

    void half_close ()
    {
        if (_fd >= 0)
            shutdown (_fd, SHUT_WR);
    }

    void reset ()
    {
        if (_fd < 0)
            return;
        const struct linger abrupt = {1, 0};
        setsockopt (_fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
        close (_fd);
        _fd = -1;
    }

  private:
    int _fd;
    std::string _seen;
};

/* An address of one of the two kinds that are used: an abstract name, or a port of this machine. */
class Place
{
  public:
    static Place name (const std::string &text)
    {
        Place place;
        place._un.sun_family = AF_UNIX;
        memcpy (place._un.sun_path + 1, text.data (), text.size ());
        place._size =
          static_cast<socklen_t> (offsetof (struct sockaddr_un, sun_path) + 1 + text.size ());
        return place;
    }

    static Place port (int number)
    {
        Place place;
        place._in.sin_family = AF_INET;
        place._in.sin_port = htons (static_cast<uint16_t> (number));
        place._in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
        place._size = sizeof place._in;
        return place;
    }

    int connect () const { return ready (::connect, true); }
    int datagrams () const
    {
        const int fd = socket (AF_INET, SOCK_DGRAM, 0);
        ::connect (fd, address (), _size);
        return fd;
    }

    int listen () const
    {
        const int fd = ready (::bind, false);
        if (fd >= 0)
            ::listen (fd, 16);
        return fd;
    }

    /* The port that a listener was given. */
    static int port_of (int fd)
    {
        struct sockaddr_in in;
        socklen_t size = sizeof in;
        getsockname (fd, reinterpret_cast<struct sockaddr *> (&in), &size);
        return ntohs (in.sin_port);
    }

    static int accept (int listener, int milliseconds)
    {
        struct pollfd wanted = {listener, POLLIN, 0};
        if (listener < 0 || poll (&wanted, 1, milliseconds) != 1)
            return -1;
        return accept4 (listener, nullptr, nullptr, SOCK_CLOEXEC);
    }

  private:
    Place () : _size (0) { memset (&_un, 0, sizeof _un); }

    const struct sockaddr *address () const
    {
        return reinterpret_cast<const struct sockaddr *> (&_un);
    }

    template <typename Call> int ready (Call call, bool nodelay) const
    {
        const int fd = socket (_un.sun_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int on = 1;
        if (nodelay && _un.sun_family == AF_INET)
            setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (call (fd, address (), _size) == 0)
            return fd;
        close (fd);
        return -1;
    }

    union
    {
        struct sockaddr_un _un;
        struct sockaddr_in _in;
    };
    socklen_t _size;
};

#endif
