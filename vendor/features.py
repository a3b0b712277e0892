"""What a platform has: the macros that upstream's configure scripts would find by probing.

Tables instead of probes, because the answers have been the same on every supported system for
years. Where C libraries differ (glibc, musl, age), the caller probes and hands in the answer.
Nothing here is a compiler flag: those live in setup.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

# Functions whose presence depends on the C library, asked of the compiler once: name -> a
# complete program. libzmq brings its own strlcpy where there is none.
PROBES = {
    "strlcpy": '#include <string.h>\nint main(void){char a[2];return (int)strlcpy(a,"x",2);}',
    "pthread_setname_np": "#define _GNU_SOURCE\n#include <pthread.h>\n"
    'int main(void){return pthread_setname_np(pthread_self(),"x");}',
    "getrandom": "#include <sys/random.h>\nint main(void){char a;return (int)getrandom(&a,1,0);}",
    "explicit_bzero": "#define _GNU_SOURCE\n#include <string.h>\n"
    "int main(void){char a[2];explicit_bzero(a,2);return 0;}",
    "tipc": "#include <linux/tipc.h>\nint main(void){return TIPC_ADDR_NAME*0;}",
}


def _names(text: str) -> list[str]:
    return text.split()


_ZMQ_COMMON = _names("""
    ZMQ_USE_CV_IMPL_STL11 ZMQ_HAVE_NOEXCEPT ZMQ_USE_RADIX_TREE ZMQ_HAVE_IPC
""")

_ZMQ_UNIX = _names("""
    ZMQ_POLL_BASED_ON_POLL HAVE_FORK HAVE_CLOCK_GETTIME HAVE_MKDTEMP HAVE_POSIX_MEMALIGN
    HAVE_STRNLEN HAVE_IF_NAMETOINDEX ZMQ_HAVE_UIO ZMQ_HAVE_IFADDRS ZMQ_HAVE_SO_KEEPALIVE
    ZMQ_HAVE_TCP_KEEPCNT ZMQ_HAVE_TCP_KEEPINTVL ZMQ_HAVE_O_CLOEXEC
""")

_ZMQ_LINUX = _names("""
    ZMQ_HAVE_LINUX ZMQ_IOTHREAD_POLLER_USE_EPOLL ZMQ_IOTHREAD_POLLER_USE_EPOLL_CLOEXEC
    ZMQ_HAVE_EVENTFD ZMQ_HAVE_EVENTFD_CLOEXEC ZMQ_HAVE_SOCK_CLOEXEC HAVE_ACCEPT4
    ZMQ_HAVE_TCP_KEEPIDLE ZMQ_HAVE_SO_PEERCRED ZMQ_HAVE_SO_BINDTODEVICE ZMQ_HAVE_SO_PRIORITY
    ZMQ_HAVE_PTHREAD_SET_AFFINITY
""")

_ZMQ_MACOS = _names("""
    ZMQ_HAVE_OSX ZMQ_IOTHREAD_POLLER_USE_KQUEUE ZMQ_HAVE_TCP_KEEPALIVE ZMQ_HAVE_LOCAL_PEERCRED
    ZMQ_HAVE_PTHREAD_SETNAME_1 ZMQ_HAVE_STRLCPY
""")

# epoll through the bundled wepoll; ipc works over AF_UNIX since Windows 10 (never run by us)
_ZMQ_WINDOWS = _names("""
    ZMQ_HAVE_WINDOWS ZMQ_IOTHREAD_POLLER_USE_EPOLL ZMQ_POLL_BASED_ON_SELECT HAVE_STRNLEN
""")


def libzmq_platform(
    platform: str,
    has: Mapping[str, bool],
    features: Iterable[str],
) -> str:
    """Write libzmq's platform.hpp for `platform` (a sys.platform) and a set of features."""
    features = set(features)
    names = list(_ZMQ_COMMON)
    if platform == "win32":
        names += _ZMQ_WINDOWS
    else:
        names += _ZMQ_UNIX + (_ZMQ_MACOS if platform == "darwin" else _ZMQ_LINUX)
    if platform == "linux":
        if has.get("pthread_setname_np"):
            names.append("ZMQ_HAVE_PTHREAD_SETNAME_2")
        if has.get("strlcpy"):
            names.append("ZMQ_HAVE_STRLCPY")
        if has.get("tipc"):
            names.append("ZMQ_HAVE_TIPC")
    if has.get("getrandom"):
        names.append("ZMQ_HAVE_GETRANDOM")
    for feature, macros in _ZMQ_FEATURES.items():
        if feature in features:
            names += macros
    if "ws" in features and "wss" not in features:
        names.append("ZMQ_USE_BUILTIN_SHA1")
    lines = ["#ifndef __ZMQ_PLATFORM_HPP_INCLUDED__", "#define __ZMQ_PLATFORM_HPP_INCLUDED__"]
    lines += [f"#define {name} 1" for name in sorted(names)]
    lines += ["#define ZMQ_CACHELINE_SIZE 64", "#endif", ""]
    return "\n".join(lines)


_ZMQ_FEATURES = {
    "drafts": ["ZMQ_BUILD_DRAFT_API"],
    "curve": ["ZMQ_HAVE_CURVE", "ZMQ_USE_LIBSODIUM", "SODIUM_STATIC"],
    "ws": ["ZMQ_HAVE_WS"],
    "wss": ["ZMQ_HAVE_WSS", "ZMQ_USE_GNUTLS"],
    "pgm": ["ZMQ_HAVE_OPENPGM"],
    "norm": ["ZMQ_HAVE_NORM"],
    "gssapi": ["HAVE_LIBGSSAPI_KRB5", "HAVE_GSSAPI_GSSAPI_GENERIC_H"],
}


_SODIUM_UNIX = _names("""
    HAVE_PTHREAD HAVE_SYS_MMAN_H HAVE_MMAP HAVE_MLOCK HAVE_MADVISE HAVE_MPROTECT HAVE_ALLOCA
    HAVE_ALLOCA_H HAVE_POSIX_MEMALIGN HAVE_GETPID HAVE_NANOSLEEP HAVE_WEAK_SYMBOLS
    HAVE_INLINE_ASM HAVE_ATOMIC_OPS HAVE_STDINT_H HAVE_UNISTD_H HAVE_C_VARARRAYS
""")

_SODIUM_X86_64 = _names("""
    HAVE_MMINTRIN_H HAVE_EMMINTRIN_H HAVE_PMMINTRIN_H HAVE_TMMINTRIN_H HAVE_SMMINTRIN_H
    HAVE_AVXINTRIN_H HAVE_AVX2INTRIN_H HAVE_AVX512FINTRIN_H HAVE_WMMINTRIN_H HAVE_RDRAND
    HAVE_AMD64_ASM HAVE_AVX_ASM HAVE_CPUID
""")


# what a source may use that is named after an instruction set; gcc reads that from pragmas in them
SODIUM_CLANG_FLAGS = {
    "aesni": ("-mssse3", "-maes", "-mpclmul"),
    "ssse3": ("-mssse3",),
    "sse41": ("-msse4.1",),
    "avx2": ("-mavx2",),
    "avx512f": ("-mavx512f",),
    "internal_random": ("-mrdrnd",),
}


def libsodium_macros(platform: str, machine: str, has: Mapping[str, bool]) -> dict[str, str]:
    """List the macros of libsodium; `machine` is the end of sysconfig.get_platform().

    HAVE__XGETBV is left out on purpose: it names a compiler intrinsic that gcc lacks.
    """
    macros = {"CONFIGURED": "1", "SODIUM_STATIC": "1", "DEV_MODE": "0"}
    if platform == "win32":
        return {**macros, "NATIVE_LITTLE_ENDIAN": "1"}
    macros |= dict.fromkeys(_SODIUM_UNIX, "1")
    big = machine in ("s390x", "ppc64", "sparc64", "mips", "mips64")
    macros["NATIVE_BIG_ENDIAN" if big else "NATIVE_LITTLE_ENDIAN"] = "1"
    if machine == "x86_64":
        macros |= dict.fromkeys(_SODIUM_X86_64, "1")
    if machine in ("x86_64", "aarch64", "arm64", "universal2", "ppc64le", "riscv64"):
        macros["HAVE_TI_MODE"] = "1"  # 128-bit integers; libsodium wants them little-endian
    if machine in ("x86_64", "i386", "i686", "ppc64le", "s390x", "ppc64"):
        macros["CPU_UNALIGNED_ACCESS"] = "1"
    if has.get("getrandom"):
        macros |= {"HAVE_GETRANDOM": "1", "HAVE_SYS_RANDOM_H": "1"}
    if has.get("explicit_bzero"):
        macros["HAVE_EXPLICIT_BZERO"] = "1"
    if platform == "darwin":
        macros |= {"HAVE_ARC4RANDOM": "1", "HAVE_ARC4RANDOM_BUF": "1", "HAVE_MEMSET_S": "1"}
        macros["ASM_HIDE_SYMBOL"] = ".private_extern"
    else:
        macros["ASM_HIDE_SYMBOL"] = ".hidden"
    return macros


SODIUM_VERSION_HEADER = """\
#ifndef sodium_version_H
#define sodium_version_H
#include "export.h"
#define SODIUM_VERSION_STRING "{version}"
#define SODIUM_LIBRARY_VERSION_MAJOR {major}
#define SODIUM_LIBRARY_VERSION_MINOR {minor}
#ifdef __cplusplus
extern "C" {{
#endif
SODIUM_EXPORT const char *sodium_version_string(void);
SODIUM_EXPORT int sodium_library_version_major(void);
SODIUM_EXPORT int sodium_library_version_minor(void);
SODIUM_EXPORT int sodium_library_minimal(void);
#ifdef __cplusplus
}}
#endif
#endif
"""

# asks an installed libzmq what it was built with
HAS_PROGRAM = """
#include <zmq.h>
#include <stdio.h>
int main() {{
    const char *names[] = {{ {names} }};
    for (const char *name : names)
        if (zmq_has(name)) printf("%s ", name);
    return 0;
}}
"""


def sodium_version_header(tree: Path, version: str) -> str:
    """Write sodium/version.h, which upstream's configure makes from a template."""
    text = (tree / "configure.ac").read_text(encoding="utf-8")
    numbers = re.findall(r"^SODIUM_LIBRARY_VERSION_M\w+=(\d+)", text, re.MULTILINE)
    return SODIUM_VERSION_HEADER.format(version=version, major=numbers[0], minor=numbers[1])


# Sources of libzmq that are compiled together, so that the compiler sees through the calls between
# them as link-time optimisation would, without its price at each link (see docs/performance.md).
# "data" is what a user's thread runs through, "io" what an I/O thread does.
JOINED = {
    f"{name}.cpp": joint
    for joint, names in {
        "data": """
            zmq msg pipe lb fq dist socket_base push pull pair dealer router req rep xpub pub xsub
            sub mailbox signaler object ctx metadata""",
        "io": """
            stream_engine_base zmtp_engine session_base v1_encoder v2_encoder v3_1_encoder
            v1_decoder v2_decoder decoder_allocators tcp io_object own epoll poller_base io_thread
            mechanism null_mechanism""",
    }.items()
    for name in names.split()
}


def libzmq_joint_sources(joined: dict[str, str]) -> dict[str, str]:
    """Return the text of each source that only includes others, by file name."""
    texts: dict[str, str] = {}
    for name, joint in joined.items():
        file = f"joined_{joint}.cpp"
        texts[file] = texts.get(file, "") + f'#include "{name}"\n'
    return texts
