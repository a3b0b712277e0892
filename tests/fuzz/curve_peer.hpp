/* Either end of CurveZMQ (RFC 26), for a peer that has a key and means no good: what it says is
   encrypted as it should be, and anything may be in it. */
#ifndef FUZZ_CURVE_PEER_HPP
#define FUZZ_CURVE_PEER_HPP

#include <sodium.h>
#include <string>

#include "wire.hpp"

class CurvePeer
{
  public:
    struct Keys
    {
        unsigned char open[32], secret[32];
    };

    /* The same keys each time; `who` tells one pair from another. */
    static Keys keys (unsigned char who)
    {
        Keys made;
        unsigned char seed[32] = {who};
        crypto_box_seed_keypair (made.open, made.secret, seed);
        return made;
    }

    CurvePeer (bool server) : _server (server), _own (keys (server ? 1 : 2)), _short (keys (3)) {}

    std::string hello ()
    {
        std::string body ("\1\0", 2);
        body += std::string (72, '\0') + text (_short.open) + wire::big (1, 8);
        body += box (std::string (64, '\0'), "CurveZMQHELLO---" + wire::big (1, 8), keys (1).open,
                     _short.secret);
        return wire::command ("HELLO", body);
    }

    /* The answer to a WELCOME, which must be whole; `more` is metadata. */
    std::string initiate (const std::string &welcome, const std::string &more)
    {
        if (welcome.size () < 168)
            return "";
        const std::string plain =
          unbox (welcome.substr (24, 144), "WELCOME-" + welcome.substr (8, 16), keys (1).open,
                 _short.secret);
        if (plain.size () < 128)
            return "";
        memcpy (_theirs, plain.data (), 32);
        const std::string nonce (16, 'v');
        const std::string vouch = box (text (_short.open) + text (keys (1).open), "VOUCH---" + nonce,
                                       _theirs, _own.secret);
        std::string body = plain.substr (32, 96) + wire::big (2, 8);
        body += box (text (_own.open) + nonce + vouch + more,
                     "CurveZMQINITIATE" + wire::big (2, 8), _theirs, _short.secret);
        return wire::command ("INITIATE", body);
    }

    /* What a server says to a HELLO; the cookie is of no use, for it comes back only to us. */
    std::string welcome (const std::string &hello)
    {
        if (hello.size () < 200)
            return "";
        memcpy (_theirs, hello.data () + 80, 32);
        const std::string nonce (16, 'w');
        return wire::command ("WELCOME",
                              nonce
                                + box (text (_short.open) + std::string (96, 'c'),
                                       "WELCOME-" + nonce, _theirs, _own.secret));
    }

    std::string ready (const std::string &metadata)
    {
        return wire::command ("READY", wire::big (1, 8)
                                         + box (metadata, "CurveZMQREADY---" + wire::big (1, 8),
                                                _theirs, _short.secret));
    }

    std::string message (const std::string &flags_and_body)
    {
        const std::string number = wire::big (++_sent + 10, 8);
        const std::string prefix = _server ? "CurveZMQMESSAGES" : "CurveZMQMESSAGEC";
        return wire::frame (std::string ("\7MESSAGE") + number
                              + box (flags_and_body, prefix + number, _theirs, _short.secret),
                            0);
    }

  private:
    static std::string text (const unsigned char *key)
    {
        return std::string (reinterpret_cast<const char *> (key), 32);
    }

    static const unsigned char *raw (const std::string &text)
    {
        return reinterpret_cast<const unsigned char *> (text.data ());
    }

    static std::string box (const std::string &plain,
                            const std::string &nonce,
                            const unsigned char *to,
                            const unsigned char *from)
    {
        std::string out (plain.size () + crypto_box_MACBYTES, '\0');
        if (crypto_box_easy (reinterpret_cast<unsigned char *> (&out[0]), raw (plain), plain.size (),
                             raw (nonce), to, from))
            out.clear ();
        return out;
    }

    static std::string unbox (const std::string &boxed,
                              const std::string &nonce,
                              const unsigned char *from,
                              const unsigned char *to)
    {
        std::string out (boxed.size () - crypto_box_MACBYTES, '\0');
        if (crypto_box_open_easy (reinterpret_cast<unsigned char *> (&out[0]), raw (boxed),
                                  boxed.size (), raw (nonce), from, to))
            out.clear ();
        return out;
    }

    const bool _server;
    const Keys _own, _short;
    unsigned char _theirs[32] = {0};
    uint64_t _sent = 0;
};

#endif
