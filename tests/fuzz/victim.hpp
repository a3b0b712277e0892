/* A socket of libzmq that the fuzzer attacks, and the program that uses it. */
#ifndef FUZZ_VICTIM_HPP
#define FUZZ_VICTIM_HPP

#include <cstdlib>
#include <string>
#include <unistd.h>
#include <zmq.h>

#include "curve_peer.hpp"
#include "input.hpp"
#include "raw.hpp"

struct Kind
{
    int number;
    int peer;
    const char *peer_name;
};

static const Kind kinds[] = {
  {ZMQ_PULL, ZMQ_PUSH, "PUSH"},         {ZMQ_PUSH, ZMQ_PULL, "PULL"},
  {ZMQ_SUB, ZMQ_PUB, "PUB"},            {ZMQ_PUB, ZMQ_SUB, "SUB"},
  {ZMQ_XPUB, ZMQ_SUB, "SUB"},           {ZMQ_XSUB, ZMQ_PUB, "PUB"},
  {ZMQ_REP, ZMQ_REQ, "REQ"},            {ZMQ_REQ, ZMQ_REP, "REP"},
  {ZMQ_ROUTER, ZMQ_DEALER, "DEALER"},   {ZMQ_DEALER, ZMQ_ROUTER, "ROUTER"},
  {ZMQ_PAIR, ZMQ_PAIR, "PAIR"},         {ZMQ_STREAM, ZMQ_STREAM, "STREAM"},
  {ZMQ_RADIO, ZMQ_DISH, "DISH"},        {ZMQ_DISH, ZMQ_RADIO, "RADIO"},
  {ZMQ_SERVER, ZMQ_CLIENT, "CLIENT"},   {ZMQ_CLIENT, ZMQ_SERVER, "SERVER"},
  {ZMQ_GATHER, ZMQ_SCATTER, "SCATTER"}, {ZMQ_SCATTER, ZMQ_GATHER, "GATHER"},
  {ZMQ_PEER, ZMQ_PEER, "PEER"},         {ZMQ_CHANNEL, ZMQ_CHANNEL, "CHANNEL"},
};

class Victim
{
  public:
    Victim (void *context, const Kind &kind) : _kind (kind), _socket (zmq_socket (context, kind.number))
    {
        if (!_socket)
            abort ();
        set (ZMQ_LINGER, 0);
        set (ZMQ_RECONNECT_IVL, 1);
        set (ZMQ_SNDTIMEO, 0);
        set (ZMQ_RCVTIMEO, 0);
    }

    ~Victim () { close (); }

    void close ()
    {
        if (_socket)
            zmq_close (_socket);
        _socket = nullptr;
    }

    void set (int option, int value) { zmq_setsockopt (_socket, option, &value, sizeof value); }

    void set (int option, const std::string &value)
    {
        zmq_setsockopt (_socket, option, value.data (), value.size ());
    }

    bool bind (const std::string &endpoint) { return zmq_bind (_socket, endpoint.c_str ()) == 0; }
    bool connect (const std::string &endpoint) { return zmq_connect (_socket, endpoint.c_str ()) == 0; }

    std::string endpoint () const
    {
        char text[256];
        size_t size = sizeof text;
        if (zmq_getsockopt (_socket, ZMQ_LAST_ENDPOINT, text, &size))
            return "";
        return text;
    }

    /* Receives what is there, looks at every byte of it, and sometimes answers who sent it. */
    void receive (int most, bool answer)
    {
        for (int i = 0; i < most; i++) {
            zmq_msg_t msg;
            zmq_msg_init (&msg);
            if (zmq_msg_recv (&msg, _socket, ZMQ_DONTWAIT) < 0) {
                zmq_msg_close (&msg);
                return;
            }
            const char *const data = static_cast<char *> (zmq_msg_data (&msg));
            unsigned sum = 0;
            for (size_t k = 0; k < zmq_msg_size (&msg); k++)
                sum += static_cast<unsigned char> (data[k]);
            _sum += sum;
            zmq_msg_gets (&msg, "User-Id");
            zmq_msg_gets (&msg, "Peer-Address");
            if (!answer || zmq_msg_send (&msg, _socket, ZMQ_DONTWAIT | (i & 1 ? 0 : ZMQ_SNDMORE)) < 0)
                zmq_msg_close (&msg);
        }
    }

    void send (const std::string &body, bool more)
    {
        zmq_msg_t msg;
        zmq_msg_init_size (&msg, body.size ());
        memcpy (zmq_msg_data (&msg), body.data (), body.size ());
        if (_kind.number == ZMQ_RADIO)
            zmq_msg_set_group (&msg, "g");
        if (zmq_msg_send (&msg, _socket, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0)
            zmq_msg_close (&msg);
    }

    void look ()
    {
        int events = 0;
        size_t size = sizeof events;
        zmq_getsockopt (_socket, ZMQ_EVENTS, &events, &size);
    }

    void *socket () const { return _socket; }
    const Kind &kind () const { return _kind; }

  private:
    const Kind &_kind;
    void *_socket;
    unsigned _sum = 0;
};

#endif
