/* Fuzzes whole sockets: what a peer says, when it goes, and what the program does meanwhile are all
   part of the input. FUZZ_TARGET names what is attacked: see `targets`.

   A context lives for a few dozen inputs and must end; each input has a socket of its own. Time is in
   the input as well: an operation waits two milliseconds, and heartbeats come each millisecond. */
#include <cstdio>
#include <memory>

#include "precompiled.hpp"

#include "body_source.hpp"
#include "input.hpp"
#include "raw.hpp"
#include "victim.hpp"
#include "wire.hpp"

namespace
{
enum Way
{
    zmtp,
    old_zmtp,
    ws,
    socks,
    udp
};

struct Target
{
    const char *name;
    const char *mechanism;
    bool server; // whether the socket that is attacked is the server
    Way way;
    int only; // the only kind of socket, or -1
    bool heartbeats;
};

const Target targets[] = {
  {"null-server", "NULL", true, zmtp, -1, false},
  {"null-client", "NULL", false, zmtp, -1, false},
  {"plain-server", "PLAIN", true, zmtp, -1, false},
  {"plain-client", "PLAIN", false, zmtp, -1, false},
  {"curve-server", "CURVE", true, zmtp, -1, false},
  {"curve-client", "CURVE", false, zmtp, -1, false},
  {"old-server", "NULL", true, old_zmtp, -1, false},
  {"old-client", "NULL", false, old_zmtp, -1, false},
  {"ws-server", "NULL", true, ws, -1, false},
  {"ws-client", "NULL", false, ws, -1, false},
  {"socks", "NULL", false, socks, ZMQ_DEALER, false},
  {"udp", "NULL", true, udp, ZMQ_DISH, false},
  {"subscriptions", "NULL", true, zmtp, ZMQ_XPUB, false},
  {"groups", "NULL", true, zmtp, ZMQ_RADIO, false},
  {"routing", "NULL", true, zmtp, ZMQ_ROUTER, false},
  {"heartbeats", "NULL", true, zmtp, -1, true},
  {"ws-heartbeats", "NULL", true, ws, -1, true},
};

const Target *target;
void *context;
unsigned long runs;

void *take (size_t size, void **notes, void **hint)
{
    char *const memory = static_cast<char *> (malloc (64 + size));
    *notes = *hint = memory;
    return memory + 64;
}

void give (void *, void *hint)
{
    free (hint);
}

const char *const names[] = {"READY",     "HELLO", "WELCOME", "INITIATE", "ERROR", "MESSAGE",
                             "SUBSCRIBE", "CANCEL", "PING",    "PONG",     "JOIN",  "LEAVE"};

class Session
{
  public:
    explicit Session (Input &input) :
        _input (input),
        _kind (pick_kind ()),
        _victim (context, _kind),
        _curve (!target->server)
    {
        set_options ();
    }

    void run ()
    {
        if (!meet ())
            return;
        if (_input.byte () & 3)
            shake_hands (_raw[0]);
        int waits = 4;
        for (int i = 0; i < 60 && !_input.empty (); i++) {
            step (_raw[_now], waits);
            decide ();
        }
        _victim.receive (50, false);
    }

  private:
    const Kind &pick_kind ()
    {
        const unsigned number = sizeof kinds / sizeof *kinds;
        unsigned index = _input.below (number);
        while (target->only >= 0 && kinds[index].number != target->only)
            index = (index + 1) % number;
        return kinds[index];
    }

    void set_options ()
    {
        const uint8_t choice = _input.byte ();
        static const int marks[] = {1, 2, 3, 1000};
        _victim.set (ZMQ_RCVHWM, marks[choice & 3]);
        _victim.set (ZMQ_SNDHWM, marks[choice >> 2 & 3]);
        if (choice & 16)
            _victim.set (ZMQ_IN_BATCH_SIZE, 100);
        if (choice & 32)
            _victim.set (ZMQ_OUT_BATCH_SIZE, 100);
        if (choice & 64) {
            const int64_t most = 200;
            zmq_setsockopt (_victim.socket (), ZMQ_MAXMSGSIZE, &most, sizeof most);
        }
        const uint8_t more = _input.byte ();
        const int flags[] = {ZMQ_ROUTER_HANDOVER,   ZMQ_XPUB_VERBOSER,  ZMQ_PROBE_ROUTER,
                             ZMQ_REQ_RELAXED,       ZMQ_REQ_CORRELATE,  ZMQ_XPUB_MANUAL,
                             ZMQ_INVERT_MATCHING,   ZMQ_ROUTER_MANDATORY};
        for (int i = 0; i < 8; i++)
            if (more >> i & 1)
                _victim.set (flags[i], 1);
        const uint8_t rare = _input.byte ();
        if ((rare & 7) == 1)
            _victim.set (ZMQ_CONFLATE, 1);
        if ((rare & 7) == 2)
            _victim.set (ZMQ_DISCONNECT_MSG, std::string ("gone"));
        if ((rare & 7) == 3)
            _victim.set (ZMQ_HELLO_MSG, std::string ("hello"));
        if ((rare & 7) == 4)
            _victim.set (ZMQ_XPUB_MANUAL_LAST_VALUE, 1);
        _victim.set (ZMQ_HANDSHAKE_IVL, rare & 8 ? 2 : 30000);
        if (target->heartbeats) {
            _victim.set (ZMQ_HEARTBEAT_IVL, 1);
            _victim.set (ZMQ_HEARTBEAT_TIMEOUT, rare & 16 ? 1 : 100);
            _victim.set (ZMQ_HEARTBEAT_TTL, rare & 32 ? 100 : 0);
        }
        if (_kind.number == ZMQ_SUB)
            _victim.set (ZMQ_SUBSCRIBE, std::string ());
        set_mechanism ();
    }

    void set_mechanism ()
    {
        const std::string name = target->mechanism;
        if (name == "PLAIN" && target->server)
            _victim.set (ZMQ_PLAIN_SERVER, 1);
        else if (name == "PLAIN") {
            _victim.set (ZMQ_PLAIN_USERNAME, std::string ("u"));
            _victim.set (ZMQ_PLAIN_PASSWORD, std::string ("p"));
        } else if (name == "CURVE") {
            const CurvePeer::Keys server = CurvePeer::keys (1), client = CurvePeer::keys (2);
            const CurvePeer::Keys &own = target->server ? server : client;
            const auto text = [](const unsigned char *key) {
                return std::string (reinterpret_cast<const char *> (key), 32);
            };
            if (target->server)
                _victim.set (ZMQ_CURVE_SERVER, 1);
            else
                _victim.set (ZMQ_CURVE_SERVERKEY, text (server.open));
            _victim.set (ZMQ_CURVE_PUBLICKEY, text (own.open));
            _victim.set (ZMQ_CURVE_SECRETKEY, text (own.secret));
        }
        if (name == "PLAIN" || (_input.byte () & 7) == 1) {
            _zap = zmq_socket (context, ZMQ_REP);
            const int none = 0;
            zmq_setsockopt (_zap, ZMQ_LINGER, &none, sizeof none);
            zmq_bind (_zap, "inproc://zeromq.zap.01");
            _victim.set (ZMQ_ZAP_DOMAIN, std::string ("d"));
        }
    }

    /* A connection between the socket and us. */
    bool meet ()
    {
        if (target->way == udp) {
            if (!_victim.bind ("udp://127.0.0.1:*"))
                return false;
            zmq_join (_victim.socket (), "g");
            const std::string endpoint = _victim.endpoint ();
            _raw[0].take (Place::port (atoi (endpoint.c_str () + endpoint.rfind (':') + 1)).datagrams ());
            return true;
        }
        const std::string name = "fuzz-" + std::to_string (getpid ()) + "-" + std::to_string (runs);
        const bool tcp = target->way == ws || target->way == socks;
        if (target->server) {
            if (!_victim.bind (tcp ? "ws://127.0.0.1:*" : "ipc://@" + name))
                return false;
            const std::string endpoint = _victim.endpoint ();
            const size_t colon = endpoint.rfind (':');
            _place.reset (new Place (tcp ? Place::port (atoi (endpoint.c_str () + colon + 1))
                                         : Place::name (name)));
        } else {
            _place.reset (new Place (tcp ? Place::port (0) : Place::name (name)));
            _listener = _place->listen ();
            const std::string port = tcp ? std::to_string (Place::port_of (_listener)) : "";
            if (target->way == socks)
                _victim.set (ZMQ_SOCKS_PROXY, "127.0.0.1:" + port);
            if (!_victim.connect (target->way == ws      ? "ws://127.0.0.1:" + port
                                  : target->way == socks ? "tcp://127.0.0.1:9"
                                                         : "ipc://@" + name))
                return false;
        }
        reach (_raw[0]);
        return _raw[0].open ();
    }

    void reach (Raw &raw)
    {
        if (target->way == udp)
            return;
        raw.take (target->server ? _place->connect () : Place::accept (_listener, 20));
    }

    /* All that an honest peer says before its first message. */
    void shake_hands (Raw &raw)
    {
        if (target->way == udp)
            return;
        if (target->way == socks) {
            raw.hear (5);
            raw.send (std::string ("\5\0", 2));
            raw.hear (5);
            raw.send (std::string ("\5\0\0\1\177\0\0\1\0\1", 10));
        } else if (target->way == old_zmtp) {
            raw.send (_input.byte () & 1 ? std::string ("\1\0", 2) : wire::old_greeting (_kind.peer));
            return;
        } else if (target->way == ws) {
            if (target->server) {
                raw.send (wire::upgrade ("ZWS2.0"));
            } else {
                raw.hear (5);
                raw.send (wire::upgraded ("ZWS2.0"));
            }
            raw.hear (2);
            raw.send (message ("", 0));
            return;
        }
        const std::string mechanism = target->mechanism;
        raw.send (wire::greeting (_input.byte () & 1, mechanism, !target->server));
        if (mechanism == "NULL") {
            raw.send (wire::command ("READY", metadata ()));
        } else if (mechanism == "PLAIN" && target->server) {
            raw.send (wire::command ("HELLO", std::string ("\1u\1p")));
            answer_zap ();
            raw.hear (2);
            raw.send (wire::command ("INITIATE", metadata ()));
        } else if (mechanism == "PLAIN") {
            raw.send (wire::command ("WELCOME", ""));
            raw.send (wire::command ("READY", metadata ()));
        } else if (target->server) {
            raw.send (_curve.hello ());
            const std::string &heard = raw.hear (5);
            const size_t at = heard.find ("\7WELCOME");
            raw.send (_curve.initiate (at == std::string::npos ? "" : heard.substr (at), metadata ()));
        } else {
            const std::string &heard = raw.hear (5);
            const size_t at = heard.find ("\5HELLO");
            raw.send (_curve.welcome (at == std::string::npos ? "" : heard.substr (at)));
            raw.hear (5);
            raw.send (_curve.ready (metadata ()));
            _encrypted = true;
            return;
        }
        answer_zap ();
        raw.hear (1);
        _encrypted = mechanism == "CURVE";
    }

    std::string metadata ()
    {
        const uint8_t choice = _input.byte ();
        std::string text = wire::property ("Socket-Type", choice & 1 ? _input.text () : _kind.peer_name);
        if (choice & 2)
            text += wire::property ("Identity", _input.text ());
        if (choice & 4)
            text += wire::property (_input.text (), _input.text ());
        return choice & 8 ? text + _input.text () : text;
    }

    /* A message in the words of this target; flags as in ZMTP 2.0. */
    std::string message (const std::string &body, int flags)
    {
        if (target->way == old_zmtp && (_input.byte () & 1))
            return wire::old_head (body.size () + 1, flags & 1) + body;
        if (target->way == ws)
            return wire::ws_head (body.size () + 1, 2, target->server)
                   + static_cast<char> ((flags & 1) | (flags & 4) >> 1) + body;
        if (target->way == udp)
            return static_cast<char> (body.size () / 2) + body;
        if (_encrypted)
            return _curve.message (static_cast<char> ((flags & 1) | (flags & 4) >> 1) + body);
        return wire::frame (body, flags);
    }

    std::string announced (uint64_t size)
    {
        const int flags = _input.byte ();
        if (target->way == ws)
            return wire::ws_head (size, flags & 15, target->server);
        if (target->way == old_zmtp && (flags & 128))
            return wire::old_head (size, flags & 127);
        return wire::head (size, flags & 15);
    }

    std::string command ()
    {
        const unsigned number = _input.below (sizeof names / sizeof *names + 2);
        const std::string name = number < sizeof names / sizeof *names ? names[number] : _input.text ();
        const std::string body = _input.byte () & 1 ? std::string (_input.byte () * 2, 'g')
                                                    : _input.text ();
        return message (static_cast<char> (name.size ()) + name + body, 4);
    }

    void step (Raw &raw, int &waits)
    {
        switch (_input.below (20)) {
            case 0:
                return raw.send (_input.text ());
            case 1:
            case 2:
                return raw.send (message (_input.text (), _input.byte ()));
            case 3:
            case 4:
                return raw.send (command ());
            case 5: {
                const std::string one = message (_input.text (), _input.below (2));
                std::string many;
                for (unsigned i = _input.byte (); i > 0; i--)
                    many += one;
                return raw.send (many);
            }
            case 6:
                return raw.send (announced (_input.size ()) + _input.text ());
            case 7:
                raw.reset ();
                return;
            case 8:
                return raw.half_close ();
            case 9:
                reach (raw);
                return shake_hands (raw);
            case 10:
                _now = _input.below (3);
                return;
            case 11:
            case 12:
                return _victim.receive (1 + _input.below (20), false);
            case 13:
                return _victim.receive (1 + _input.below (6), true);
            case 14:
                return _victim.send (_input.text (), _input.byte () & 1);
            case 15:
                return _victim.look ();
            case 16:
                if (waits-- > 0)
                    usleep (2000);
                return;
            case 17:
                return _victim.set (_input.byte () & 1 ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, _input.text ());
            case 18:
                raw.hear (0);
                return;
            default:
                return raw.send (wire::command ("READY", metadata ()));
        }
    }

    void answer_zap ()
    {
        for (int i = 0; _zap && i < 20; i++) {
            if (decide ())
                return;
            usleep (50);
        }
    }

    /* Answers a question of the socket's: who may come in. Mostly yes. */
    bool decide ()
    {
        if (!_zap)
            return false;
        std::string id;
        int more = 1;
        char part[300];
        for (int i = 0; more; i++) {
            const int size = zmq_recv (_zap, part, sizeof part, ZMQ_DONTWAIT);
            if (size < 0)
                return false;
            if (i == 1)
                id.assign (part, static_cast<size_t> (size));
            size_t length = sizeof more;
            zmq_getsockopt (_zap, ZMQ_RCVMORE, &more, &length);
        }
        const uint8_t how = _input.byte ();
        const std::string answer[] = {how == 1 ? "0" : "1.0", id,
                                      how == 2   ? "400"
                                      : how == 3 ? _input.text ()
                                      : how == 4 ? "300"
                                                 : "200",
                                      "", how == 5 ? _input.text () : "user",
                                      how == 6 ? _input.text () : ""};
        const int parts = how == 7 ? 4 : 6;
        for (int i = 0; i < parts; i++)
            zmq_send (_zap, answer[i].data (), answer[i].size (), i < parts - 1 ? ZMQ_SNDMORE : 0);
        return true;
    }

  public:
    ~Session ()
    {
        for (Raw &raw : _raw)
            raw.reset ();
        if (_zap)
            zmq_close (_zap);
        if (_listener >= 0)
            close (_listener);
    }

  private:
    Input &_input;
    const Kind &_kind;
    Victim _victim;
    CurvePeer _curve;
    std::unique_ptr<Place> _place;
    Raw _raw[3];
    int _now = 0;
    int _listener = -1;
    void *_zap = nullptr;
    bool _encrypted = false;
};
}

extern "C" void zmq_set_body_source (const zmq_body_source_t *source);

extern "C" int LLVMFuzzerInitialize (int *, char ***)
{
    const char *const wanted = getenv ("FUZZ_TARGET");
    for (const Target &one : targets)
        if (wanted && !strcmp (one.name, wanted))
            target = &one;
    if (!target) {
        fprintf (stderr, "FUZZ_TARGET is to be one of:");
        for (const Target &one : targets)
            fprintf (stderr, " %s", one.name);
        fprintf (stderr, "\n");
        exit (2);
    }
    static const zmq_body_source_t source = {take, give, 32, 1 << 16};
    zmq_set_body_source (&source);
    if (sodium_init () < 0)
        abort ();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    if (!context) {
        context = zmq_ctx_new ();
        zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 4000);
    }
    {
        Input input (data, size);
        Session (input).run ();
    }
    //  A context that does not end is found by libFuzzer's -timeout.
    if (++runs % 32 == 0) {
        zmq_ctx_term (context);
        context = nullptr;
    }
    return 0;
}
