# Versions, capabilities, CURVE keys and Z85.


cdef extern from *:
    """
    #if defined(_WIN32)
    #define ZMQLITE_IPC_PATH_MAX 107
    #else
    #include <sys/un.h>
    #define ZMQLITE_IPC_PATH_MAX ((int) sizeof (((struct sockaddr_un *) 0)->sun_path) - 1)
    #endif
    """
    int ZMQLITE_IPC_PATH_MAX

IPC_PATH_MAX_LEN = ZMQLITE_IPC_PATH_MAX


def zmq_version_info():
    """Return the version of the libzmq inside as (major, minor, patch)."""
    cdef int major = 0, minor = 0, patch = 0
    zmq_version(&major, &minor, &patch)
    return major, minor, patch


def has(str capability not None):
    """Whether the libzmq inside has a capability, e.g. "curve", "ipc", "draft", "ws" (zmq_has)."""
    for name in {capability, capability.lower(), capability.upper()}:
        if zmq_has(name.encode("utf-8")):
            return True
    return False


def curve_keypair():
    """Return a fresh (public, secret) pair of CURVE keys, 40 characters of Z85 each, as bytes.

    Raises NotSupported when this libzmq has no CURVE (zmq_curve_keypair).
    """
    cdef char public[41]
    cdef char secret[41]
    if zmq_curve_keypair(public, secret) != 0:
        fail(libzmq_errno(), "curve_keypair", "", "this libzmq was built without CURVE")
    return public[:40], secret[:40]


def curve_public(secret_key):
    """Return the public key that belongs to a secret one (40 characters of Z85, str or bytes).

    Raises ValueError for a key of another length or alphabet (zmq_curve_public).
    """
    cdef char public[41]
    cdef bytes secret = secret_key.encode("utf-8") if isinstance(secret_key, str) else bytes(secret_key)
    if len(secret) != 40 or b"\0" in secret:
        raise ValueError(f"a CURVE key has 40 characters of Z85, not {len(secret.split(bytes(1))[0])}")
    if zmq_curve_public(public, secret) != 0:
        fail(libzmq_errno(), "curve_public", "", "the key is no Z85 text, or libzmq has no CURVE")
    return public[:40]


def z85_encode(rawbytes):
    """Return the Z85 text of bytes-like data whose size is a multiple of 4 (zmq_z85_encode)."""
    cdef bytes data = bytes(memoryview(rawbytes))
    cdef Py_ssize_t size = len(data)
    if size % 4:
        raise ValueError(f"Z85 encodes multiples of 4 bytes, not {size}")
    text = PyBytes_FromStringAndSize(NULL, size // 4 * 5 + 1)
    if zmq_z85_encode(PyBytes_AS_STRING(text), <const uint8_t *> PyBytes_AS_STRING(data), size) == NULL:
        fail(libzmq_errno(), "z85_encode", "")
    return text[:size // 4 * 5]


def z85_decode(z85bytes):
    """Return the bytes of Z85 text (str or bytes-like) of a length that is a multiple of 5.

    Raises ValueError for another length or alphabet (zmq_z85_decode).
    """
    cdef bytes text
    text = z85bytes.encode("utf-8") if isinstance(z85bytes, str) else bytes(memoryview(z85bytes))
    cdef Py_ssize_t size = len(text)
    if size % 5:
        raise ValueError(f"Z85 text has a multiple of 5 characters, not {size}")
    if not size:
        return b""
    data = PyBytes_FromStringAndSize(NULL, size // 5 * 4)
    if b"\0" in text or zmq_z85_decode(<uint8_t *> PyBytes_AS_STRING(data), text) == NULL:
        raise ValueError("the text has characters or groups that are not Z85")
    return data
