/* ZMTP and WebSockets as a peer writes them, byte by byte. */
#ifndef FUZZ_WIRE_HPP
#define FUZZ_WIRE_HPP

#include <cstdint>
#include <string>

namespace wire
{
inline std::string big (uint64_t value, int bytes)
{
    std::string text;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        text += static_cast<char> (value >> shift);
    return text;
}

inline std::string greeting (int minor, const std::string &mechanism, bool server)
{
    std::string text ("\xff\0\0\0\0\0\0\0\1\x7f\3", 11);
    text += static_cast<char> (minor);
    text += mechanism + std::string (20 - mechanism.size (), '\0');
    text += static_cast<char> (server);
    return text + std::string (31, '\0');
}

/* Of ZMTP 2.0, with an empty identity. */
inline std::string old_greeting (int type)
{
    std::string text ("\xff\0\0\0\0\0\0\0\1\x7f\1", 11);
    text += static_cast<char> (type);
    return text + std::string ("\0\0", 2);
}

inline std::string head (uint64_t size, int flags)
{
    if (size < 256)
        return std::string (1, static_cast<char> (flags)) + static_cast<char> (size);
    return std::string (1, static_cast<char> (flags | 2)) + big (size, 8);
}

inline std::string old_head (uint64_t size, int flags)
{
    const std::string last (1, static_cast<char> (flags));
    if (size < 255)
        return static_cast<char> (size) + last;
    return "\xff" + big (size, 8) + last;
}

inline std::string frame (const std::string &body, int flags)
{
    return head (body.size (), flags) + body;
}

inline std::string command (const std::string &name, const std::string &body)
{
    return frame (static_cast<char> (name.size ()) + name + body, 4);
}

inline std::string property (const std::string &name, const std::string &value)
{
    return static_cast<char> (name.size ()) + name + big (value.size (), 4) + value;
}

inline std::string upgrade (const std::string &protocol)
{
    return "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Protocol: "
           + protocol + "\r\n\r\n";
}

inline std::string upgraded (const std::string &protocol)
{
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: "
           + protocol + "\r\n\r\n";
}

inline std::string ws_head (uint64_t size, int opcode, bool masked)
{
    std::string text (1, static_cast<char> (0x80 | opcode));
    const int mask = masked ? 0x80 : 0;
    if (size < 126)
        text += static_cast<char> (mask | size);
    else if (size < 65536)
        text += static_cast<char> (mask | 126) + big (size, 2);
    else
        text += static_cast<char> (mask | 127) + big (size, 8);
    return masked ? text + std::string (4, '\0') : text;
}
}

#endif
