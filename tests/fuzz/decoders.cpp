/* Fuzzes what turns the bytes of a peer into messages: the decoders of ZMTP 1.0, of ZMTP 2.0 and
   later, and of WebSockets, driven as stream_engine_base drives them, with reads cut anywhere.

   Here a body of 32 bytes is large already, so that an input of a few hundred bytes gets to the
   reading of large bodies (large-input.patch). */
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <sys/uio.h>

#include "input.hpp"

#include "precompiled.hpp"

#include "body_source.hpp"
#include "raw_decoder.hpp"
#include "v1_decoder.hpp"
#include "v2_decoder.hpp"
#include "ws_decoder.hpp"

namespace
{
bool source_is_dry;

void *take (size_t size, void **notes, void **hint)
{
    if (source_is_dry)
        return NULL;
    char *const memory = static_cast<char *> (malloc (64 + size));
    *notes = memory;
    *hint = memory;
    return memory + 64;
}

void give (void *, void *hint)
{
    free (hint);
}

std::unique_ptr<zmq::i_decoder> make (Input &input)
{
    const unsigned kind = input.below (5);
    static const size_t batches[] = {1, 64, 100, 300, 1000, 8192};
    const size_t batch = batches[input.below (6)];
    static const int64_t limits[] = {-1, 0, 100, 1 << 20};
    const int64_t limit = limits[input.below (4)];
    const bool zero_copy = input.byte () & 1;
    zmq::i_decoder *decoder;
    switch (kind) {
        case 0:
            decoder = new zmq::v1_decoder_t (batch, limit);
            break;
        case 1:
        case 2:
            decoder = new zmq::v2_decoder_t (batch, limit, zero_copy);
            break;
        default:
            decoder = new zmq::ws_decoder_t (batch, limit, zero_copy, kind == 3);
    }
    return std::unique_ptr<zmq::i_decoder> (decoder);
}

/* Copies bytes into the places that a decoder has named. */
size_t fill (struct iovec *pieces, int count, const std::string &bytes)
{
    size_t done = 0;
    for (int i = 0; i < count && done < bytes.size (); i++) {
        const size_t size = std::min (pieces[i].iov_len, bytes.size () - done);
        memcpy (pieces[i].iov_base, bytes.data () + done, size);
        done += size;
    }
    return done;
}

/* Looks at every byte and hands the message on, as a session does. */
unsigned consume (zmq::msg_t *msg)
{
    unsigned sum = 0;
    const unsigned char *const data = static_cast<unsigned char *> (msg->data ());
    for (size_t i = 0; i < msg->size (); i++)
        sum += data[i];
    zmq::msg_t mine;
    mine.init ();
    mine.move (*msg);
    mine.close ();
    return sum;
}
}

extern "C" void zmq_set_body_source (const zmq_body_source_t *source);

extern "C" int LLVMFuzzerInitialize (int *, char ***)
{
    static const zmq_body_source_t source = {take, give, 32, 1 << 16};
    zmq_set_body_source (&source);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    Input input (data, size);
    std::unique_ptr<zmq::i_decoder> decoder = make (input);
    unsigned sum = 0;
    while (!input.empty ()) {
        const uint8_t cut = input.byte ();
        source_is_dry = cut == 255;
        std::string bytes = input.bytes (1 + cut);
        int count = 0;
        struct iovec *const pieces = decoder->get_pieces (&count);
        unsigned char *at = NULL;
        size_t filled;
        if (pieces) {
            filled = fill (pieces, count, bytes);
            decoder->pieces_filled (filled);
        } else {
            size_t room = 0;
            decoder->get_buffer (&at, &room);
            filled = std::min (room, bytes.size ());
            memcpy (at, bytes.data (), filled);
            decoder->resize_buffer (filled);
        }
        size_t decoded = 0;
        while (decoded < filled) {
            size_t processed = 0;
            errno = 0;
            const int rc = decoder->decode (at ? at + decoded : NULL, filled - decoded, processed);
            if (processed > filled - decoded)
                abort ();
            decoded += processed;
            if (rc == -1) {
                if (errno == 0 || errno == EAGAIN)
                    abort (); // an engine would wait for ever
                return 0;
            }
            if (rc == 0)
                break;
            sum += consume (decoder->msg ());
        }
    }
    return sum == 0xffffffff; // (so that the bytes are read)
}
