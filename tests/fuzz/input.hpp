/* What libFuzzer hands in, read piece by piece; when nothing is left, everything is zero. */
#ifndef FUZZ_INPUT_HPP
#define FUZZ_INPUT_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

class Input
{
  public:
    Input (const uint8_t *data, size_t size) : _at (data), _end (data + size) {}

    bool empty () const { return _at == _end; }
    size_t left () const { return static_cast<size_t> (_end - _at); }

    uint8_t byte () { return empty () ? 0 : *_at++; }

    /* A number below `limit`. */
    unsigned below (unsigned limit) { return byte () % limit; }

    /* So many bytes, or as many as there are. */
    std::string bytes (size_t count)
    {
        if (count > left ())
            count = left ();
        std::string taken (reinterpret_cast<const char *> (_at), count);
        _at += count;
        return taken;
    }

    /* A length in one byte, and that many bytes. */
    std::string text () { return bytes (byte ()); }

    /* A size that a peer might announce: small, or at the edge of what wraps, of what is signed, of
       what takes another path. */
    uint64_t size ()
    {
        static const uint64_t edges[] = {0, 0, 255, 256, 1 << 12, 1 << 13, 1 << 16, 1 << 18, 1 << 22,
                                         1ull << 31, 1ull << 32, 1ull << 63};
        const uint64_t edge = edges[below (sizeof edges / sizeof *edges)];
        return edge + static_cast<uint64_t> (static_cast<int64_t> (static_cast<int8_t> (byte ())));
    }

  private:
    const uint8_t *_at;
    const uint8_t *const _end;
};

#endif
