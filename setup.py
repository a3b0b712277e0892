"""Build zmqlite: obtain libzmq and libsodium, compile each once, link one extension module.

The only file that knows a compiler flag. Switches are environment variables, listed in
vendor/README.md. vendor/fetch.py decides where sources come from, vendor/features.py what a
platform has, vendor/archive.py when something must be compiled again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any, ClassVar

from setuptools import Command, Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.egg_info import egg_info
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "vendor"))

import features  # noqa: E402
import fetch  # noqa: E402
from archive import Recipe, build, locked  # noqa: E402
from generated import write, write_build_info, write_headers, write_licenses  # noqa: E402
from pins import FetchError, faults_only  # noqa: E402
from stubs import stubs  # noqa: E402
from toolchain import (  # noqa: E402
    MsvcToolchain,
    UnixToolchain,
    command,
    identify,
    pkg_config,
    probe,
)
from trees import digest_tree  # noqa: E402

WINDOWS, MACOS = sys.platform == "win32", sys.platform == "darwin"
PACKAGE = HERE / "zmqlite"
NATIVE = PACKAGE / "_native"


def say(text: str) -> None:
    """Print a line of progress at once."""
    print(f"zmqlite: {text}", flush=True)


# --- switches -------------------------------------------------------------------------------


def switch(name: str) -> bool:
    """Tell whether the environment switches ZMQLITE_<name> on."""
    value = os.environ.get(f"ZMQLITE_{name.upper()}", "")
    return value.lower() not in ("", "0", "no", "off", "false")


DEBUG, LTO, SANITIZE = switch("DEBUG"), switch("LTO"), os.environ.get("ZMQLITE_SANITIZE", "")
# feature -> the names under which pkg-config may know the library that it needs
OPTIONAL = {
    "wss": ("gnutls",),
    "pgm": ("openpgm-5.3", "openpgm-5.2", "openpgm"),
    "norm": ("norm",),
    "gssapi": ("krb5-gssapi", "mit-krb5-gssapi"),
}
CHOSEN = [name for name in OPTIONAL if switch(name)]
WANTED = ["curve", "ws", *CHOSEN, *([] if switch("NO_DRAFTS") else ["drafts"])]
SWITCHES = [f"sanitize={SANITIZE}"] if SANITIZE else []
SWITCHES += [name for name in ("debug", "lto", "no_drafts") if switch(name)]
SWITCHES += CHOSEN
SWITCHES += ["patches=faults"] if faults_only() else []


# --- flags ----------------------------------------------------------------------------------

CC, CXX = ([], []) if WINDOWS else (command("CC", "cc"), command("CXX", "c++"))
COMPILER = "MSVC" if WINDOWS else identify(CXX)
for _name, _words in (("CC", CC), ("CXX", CXX)):
    # where Python's own compiler is missing, setuptools must take the one that we found
    if _words and not shutil.which(shlex.split(sysconfig.get_config_var(_name) or _name)[0]):
        os.environ.setdefault(_name, shlex.join(_words))
ARCHFLAGS = shlex.split(os.environ.get("ARCHFLAGS", "")) if MACOS else []


def from_environment(name: str) -> list[str]:
    """Return the builder's own flags; they come last, so they win."""
    return shlex.split(os.environ.get(name, ""))


def common_flags(sanitize: bool = True) -> list[str]:
    """Flags for every object on a Unix, ours and theirs."""
    flags = ["-pthread", "-fPIC", "-fvisibility=hidden", *ARCHFLAGS]
    flags += ["-O1", "-g"] if DEBUG or SANITIZE else ["-O3", "-DNDEBUG", "-g0"]
    if SANITIZE and sanitize:
        flags += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"]
    if LTO:
        flags.append("-flto=auto" if "clang" not in COMPILER else "-flto")
    if MACOS:
        oldest = sysconfig.get_config_var("MACOSX_DEPLOYMENT_TARGET")
        flags.append(f"-mmacosx-version-min={os.environ.get('MACOSX_DEPLOYMENT_TARGET', oldest)}")
    return flags


def archive_flags(sanitize: bool = True) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Flags for C and for C++ files of the two libraries; their warnings are not ours to fix."""
    if WINDOWS:
        return ("/O2", "/MD", "/w"), ("/O2", "/MD", "/w", "/std:c++14", "/EHsc")
    # one section a function, so that the linker can drop what is never called
    base = [*common_flags(sanitize), "-w", "-ffunction-sections", "-fdata-sections"]
    c = [*base, "-std=gnu11", *from_environment("CFLAGS")]
    cxx = [*base, "-std=gnu++11", "-fvisibility-inlines-hidden", *from_environment("CXXFLAGS")]
    return tuple(c), tuple(cxx)


def extension_flags() -> tuple[list[str], list[str]]:
    """Flags to compile and to link the extension: only its init function may be visible."""
    if WINDOWS:
        return ["/O2", "/std:c++17", "/EHsc"], []
    cflags = [*common_flags(), "-std=c++17", "-fvisibility-inlines-hidden"]
    link = [*ARCHFLAGS, *(f for f in cflags if f.startswith(("-fsanitize", "-flto", "-O")))]
    if MACOS:
        return cflags, [*link, "-Wl,-dead_strip", "-Wl,-exported_symbol,_PyInit_*"]
    script = write(HERE / "build" / "exports.map", "{ global: PyInit_*; local: *; };\n")
    link += [f"-Wl,--version-script={script}", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now"]
    return cflags, link if DEBUG or SANITIZE else [*link, "-Wl,-s"]


# assertions name their file: say "libzmq-4.3.4/src/...", not where this machine unpacked it
ROOT_FLAG = "-ffile-prefix-map={root}={name}"


def archiver() -> list[str]:
    """Return the archiver; the compiler's own understands what -flto wrote."""
    own = "gcc-ar" if "clang" not in COMPILER else "llvm-ar"
    return [own] if LTO and shutil.which(own) and not MACOS else command("AR", "ar")


ZMQ_MACROS = {"ZMQ_CUSTOM_PLATFORM_HPP": "1", "ZMQ_STATIC": "1"}
if WINDOWS:
    ZMQ_MACROS |= {"_WIN32_WINNT": "0x0A00", "FD_SETSIZE": "16384", "WIN32_LEAN_AND_MEAN": "1"}
    ZMQ_MACROS |= {"_CRT_SECURE_NO_WARNINGS": "1", "_WINSOCK_DEPRECATED_NO_WARNINGS": "1"}
else:
    ZMQ_MACROS |= {"_REENTRANT": "1", "_THREAD_SAFE": "1"}
    ZMQ_MACROS |= {"_DARWIN_C_SOURCE": "1"} if MACOS else {"_GNU_SOURCE": "1"}
WINDOWS_LIBRARIES = ["ws2_32", "rpcrt4", "iphlpapi", "advapi32"]


# --- the two libraries ----------------------------------------------------------------------


def machine() -> str:
    """Return the architecture that is built for ("universal2" for two at once)."""
    asked = [name for name in ARCHFLAGS if name != "-arch"]
    return asked[0] if len(asked) == 1 else sysconfig.get_platform().rsplit("-", 1)[-1]


def sodium_recipe(source: fetch.Source, has: dict[str, bool]) -> Recipe:
    """Describe the archive of libsodium."""
    tree = Path(source.path)
    root = tree / "src" / "libsodium"
    patterns = ("*.c",) if WINDOWS else ("*.c", "*.S")
    # a sanitized field arithmetic takes minutes to compile and finds nothing of ours
    c_flags, cxx_flags = archive_flags(sanitize=False)
    return Recipe(
        name=f"libsodium-{source.version}",
        root=root,
        fingerprint=digest_tree(root, (".",)),
        sources=tuple(sorted(path for p in patterns for path in root.rglob(p))),
        includes=(root / "include", root / "include" / "sodium"),
        macros=tuple(features.libsodium_macros(sys.platform, machine(), has).items()),
        c_flags=c_flags,
        cxx_flags=cxx_flags,
        generated={"sodium/version.h": features.sodium_version_header(tree, source.version)},
        file_flags=features.SODIUM_CLANG_FLAGS
        if "clang" in COMPILER and machine() == "x86_64"
        else {},
    )


def zmq_recipe(
    source: fetch.Source, has: dict[str, bool], sodium: fetch.Source, includes: list[Path]
) -> Recipe:
    """Describe the archive of libzmq; `includes` is where libsodium's headers are."""
    root = Path(source.path)
    sources = sorted((root / "src").glob("*.cpp"))
    if "wss" not in CHOSEN:  # the only files that include a feature's header without asking for it
        sources = [path for path in sources if not path.name.startswith("wss_")]
    sources += [] if "wss" in CHOSEN else [root / "external" / "sha1" / "sha1.c"]
    sources += [root / "external" / "wepoll" / "wepoll.c"] if WINDOWS else []
    # (their names are known to go together in this version only)
    joined = features.JOINED if source.version == "4.3.4" and not WINDOWS else {}
    c_flags, cxx_flags = archive_flags()
    extra = tuple(flag for name in CHOSEN for flag in pkg_config("--cflags", *OPTIONAL[name]))
    return Recipe(
        name=f"libzmq-{source.version}",
        root=root,
        fingerprint=digest_tree(root, ("src", "include", "external")),
        sources=tuple(path for path in sources if path.name not in joined),
        includes=(root / "include", root / "src", *includes),
        macros=tuple(ZMQ_MACROS.items()),
        c_flags=(*c_flags, *extra),
        cxx_flags=(*cxx_flags, *extra),
        generated={
            "platform.hpp": features.libzmq_platform(sys.platform, has, WANTED),
            **features.libzmq_joint_sources(joined),
        },
        depends=(sodium.kind, sodium.version, sodium.sha256),
    )


class Native:
    """What the extension needs to compile and link: found, fetched or built."""

    def __init__(self, compiler: Any) -> None:
        self.toolchain = (
            MsvcToolchain(compiler) if WINDOWS else UnixToolchain(CC, CXX, archiver(), ROOT_FLAG)
        )
        self.has = (
            {name: probe(CXX, program) is not None for name, program in features.PROBES.items()}
            if sys.platform == "linux"
            else {}
        )
        self.folder = HERE / "build" / "archives"
        self.objects: list[str] = []
        self.link: list[str] = []
        self.zmq = fetch.obtain("libzmq", say)
        self.sodium: fetch.Source | None = None
        if self.zmq.kind == "tree":
            self._compile()
        else:
            self._use_installed()

    def _compile(self) -> None:
        self.sodium = fetch.obtain("libsodium", say)
        if self.sodium.kind == "tree":
            recipe = sodium_recipe(self.sodium, self.has)
            sodium = build(recipe, self.toolchain, self.folder, say)
            headers = write(
                self.folder / f"{sodium.stem}-include" / "sodium" / "version.h",
                recipe.generated["sodium/version.h"],
            ).parents[1]
            includes = [*recipe.includes, headers, headers / "sodium"]
            objects = [str(sodium)]
        else:
            includes, objects = self._installed_sodium(self.sodium), []
        self.recipe = zmq_recipe(self.zmq, self.has, self.sodium, includes)
        zmq = build(self.recipe, self.toolchain, self.folder, say)
        self.include = Path(self.zmq.path) / "include"
        self.objects = [str(zmq), *objects]
        for name in CHOSEN:
            self.link += pkg_config("--libs", *OPTIONAL[name])
        self.features = [*WANTED, "ipc"]

    def _installed_sodium(self, source: fetch.Source) -> list[Path]:
        if source.kind == "prefix":
            self.link += [str(find_library(Path(source.path), "sodium"))]
            return [Path(source.path) / "include"]
        self.link += pkg_config("--libs", "libsodium")
        return [Path(f[2:]) for f in pkg_config("--cflags", "libsodium") if f.startswith("-I")]

    def _use_installed(self) -> None:
        if self.zmq.kind == "prefix":
            prefix = Path(self.zmq.path)
            self.include = prefix / "include"
            self.link = [str(find_library(prefix, "zmq"))]
        else:
            paths = [f[2:] for f in pkg_config("--cflags", "libzmq") if f.startswith("-I")]
            known = [Path(p) for p in (*paths, "/usr/local/include", "/usr/include")]
            self.include = next(p for p in known if (p / "zmq.h").is_file())
            self.link = pkg_config("--libs", "libzmq")
        names = ("ipc", "curve", "gssapi", "pgm", "norm", "tipc", "WS", "WSS", "draft")
        program = features.HAS_PROGRAM.format(names=", ".join(f'"{n}"' for n in names))
        flags = ["-DZMQ_STATIC", f"-I{self.include}", "-pthread"]
        for more in ([], ["-lsodium"]):  # a static archive does not say whether it needs it
            answer = probe(CXX, program, *flags, *self.link, *more, execute=True)
            if answer is not None:
                self.link += more
                self.features = ["drafts" if n == "draft" else n.lower() for n in answer.split()]
                return
        raise FetchError(f"{self.zmq.origin}: a test program could not be linked and run")


def find_library(prefix: Path, name: str) -> Path:
    """Return the library in an installed prefix, the static one first."""
    for file in (f"lib{name}.a", f"{name}.lib", f"lib{name}.so", f"lib{name}.dylib"):
        for folder in ("lib", "lib64"):
            if (prefix / folder / file).is_file():
                return prefix / folder / file
    raise FetchError(f"{prefix} has no lib/lib{name}.a")


# --- commands -------------------------------------------------------------------------------


class BuildExtension(build_ext):
    """Build the libraries, write the generated files, then compile and link the extension."""

    package_folder = PACKAGE

    def run(self) -> None:
        """Build everything; two builds of one tree for one Python take turns."""
        # super() clears `inplace` while it builds, so remember where the package is
        in_tree = self.inplace or getattr(self, "editable_mode", False)
        self.package_folder = PACKAGE if in_tree else Path(self.build_lib) / "zmqlite"
        turn = Path(f"{self.build_temp}.lock").absolute()
        turn.parent.mkdir(parents=True, exist_ok=True)
        with locked(turn):
            super().run()

    def build_extensions(self) -> None:
        """Prepare what the extension links, then build it."""
        try:
            native = Native(self.compiler)
        except FetchError as error:
            raise SystemExit(f"zmqlite: {error}") from error
        write_headers(native.include, self.package_folder)
        write_licenses(self.package_folder, (native.zmq, native.sodium))
        write_build_info(
            self.package_folder,
            native.include,
            native.zmq,
            native.sodium,
            native.features,
            COMPILER,
            SWITCHES,
            native.objects,
        )
        for name, text in stubs(PACKAGE).items():
            write(self.package_folder / name, text)
        for extension in self.extensions:
            self._prepare(extension, native)
        # setuptools compares times only, and an archive from the cache may be an old one
        wanted = "".join(
            f"{e.define_macros}\n{e.extra_objects}\n{e.extra_compile_args}\n{e.extra_link_args}\n"
            for e in self.extensions
        )
        record = Path(str(self.build_temp)) / "extension.txt"
        same = record.is_file() and record.read_text(encoding="utf-8") == wanted
        self.force = self.force or not same
        super().build_extensions()
        write(record, wanted)

    def _prepare(self, extension: Extension, native: Native) -> None:
        from Cython.Build import cythonize

        cflags, link = extension_flags()
        extension.include_dirs += [str(NATIVE), str(native.include)]
        extension.define_macros += [("ZMQ_STATIC", "1")]
        extension.define_macros += [("CYTHON_CLINE_IN_TRACEBACK", "1")]  # see base/keywords.hpp
        if native.zmq.kind != "system":
            extension.define_macros += [("LIBZMQ_ALONE", "1")]
        for patch in native.zmq.own_patches:  # so that compat.h knows what is there beyond zmq.h
            name = patch.removesuffix(".patch").replace("-", "_").upper()
            extension.define_macros += [(f"LIBZMQ_HAS_{name}", "1")]
        if "drafts" in native.features:
            extension.define_macros += [("ZMQ_BUILD_DRAFT_API", "1")]
            if "zmq_disconnect_peer" in (native.include / "zmq.h").read_text(errors="replace"):
                extension.define_macros += [("HAVE_ZMQ_DISCONNECT_PEER", "1")]
        extension.extra_objects += native.objects
        extension.extra_compile_args += cflags
        extension.extra_link_args += [*link, *native.link]
        extension.libraries += WINDOWS_LIBRARIES if WINDOWS else [] if MACOS else ["rt", "m"]
        extension.depends += native.objects
        made = cythonize(
            [Extension(extension.name, extension.sources, language="c++")],
            build_dir=str(Path(self.build_temp) / "cython"),
            compiler_directives={"language_level": "3"},
            annotate=switch("ANNOTATE"),
        )
        extension.sources = made[0].sources

    def copy_extensions_to_source(self) -> None:
        """Put the module beside its source in one rename: others may have the old one loaded."""
        build_py = self.get_finalized_command("build_py")
        for extension in self.extensions:
            inplace, built = self._get_inplace_equivalent(build_py, extension)
            fresh = f"{inplace}.{os.getpid()}"
            shutil.copy2(built, fresh)
            Path(fresh).replace(inplace)


class Archives(Command):
    """Compile libzmq and libsodium alone, and write down how to compile a C++ program with them.

    The program may include libzmq's own headers: fuzzers and sanitizer tests do.
    """

    user_options: ClassVar = [("into=", None, "the JSON file to write")]

    def initialize_options(self) -> None:
        """Nothing is chosen yet."""
        self.into = "build/archives.json"

    def finalize_options(self) -> None:
        """Nothing depends on other options."""

    def run(self) -> None:
        """Build both archives and write the file."""
        native = Native(None)
        if native.zmq.kind != "tree":
            raise SystemExit("zmqlite: this needs the source of libzmq")
        recipe = native.recipe
        headers = native.folder / f"{Path(native.objects[0]).stem}-include"
        write(headers / "platform.hpp", recipe.generated["platform.hpp"])
        words = [*CXX, *recipe.cxx_flags, *(f"-D{n}={v}" for n, v in recipe.macros)]
        words += [f"-I{path}" for path in (headers, *recipe.includes)]
        found = {"compile": words, "link": [*native.objects, *native.link, "-pthread"]}
        found["patches"] = native.zmq.own_patches
        write(HERE / self.into, json.dumps(found, indent=1) + "\n")


class Metadata(egg_info):
    """Collect the licence texts of what is linked in before the metadata names them."""

    def run(self) -> None:
        """Fetch both projects, if they are not there; what fails here fails again in the build."""
        with contextlib.suppress(FetchError):
            write_licenses(PACKAGE, [fetch.obtain(name, say) for name in ("libzmq", "libsodium")])
        super().run()


class SourceDistribution(sdist):
    """Carry the unpacked, patched sources, so that installing needs no network."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Add both trees, with their stamps, to what MANIFEST.in names."""
        super().make_release_tree(base_dir, files)
        for name in ("libzmq", "libsodium"):
            source = fetch.obtain(name, say)
            if source.kind != "tree":
                raise SystemExit(f"zmqlite: an sdist needs the source of {name}")
            tree = Path(source.path)
            target = Path(base_dir) / "vendor" / name / "unpacked" / tree.name
            shutil.copytree(tree, target, ignore=shutil.ignore_patterns("perf", "unity"))


EXTENSION = Extension(
    "zmqlite._native.core",
    ["zmqlite/_native/core.pyx"],
    depends=sorted(
        str(p.relative_to(HERE))
        for e in ("pxi", "pxd", "h", "hpp")
        for p in NATIVE.rglob(f"*.{e}")
    ),
    language="c++",
)

setup(
    ext_modules=[EXTENSION],
    cmdclass={
        "archives": Archives,
        "build_ext": BuildExtension,
        "egg_info": Metadata,
        "sdist": SourceDistribution,
    },
)
