#!/usr/bin/python3
"""What `cmake --install` gives a user of libpond: symbols, pkg-config, CMake package, manual.

usage: test_package.py BUILD SOURCE [COMPILER FLAG...]
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROJECT = """cmake_minimum_required(VERSION 3.25)
project(user C)
find_package(pond 0.1 REQUIRED)
add_executable(user_shared user.c)
target_link_libraries(user_shared pond::pond)
add_executable(user_static user.c)
target_link_libraries(user_static pond::static)
"""


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode != 0:
        sys.exit("%s\nended with %d:\n%s" % (" ".join(map(str, command)), done.returncode, done.stdout))
    return done.stdout


def public_functions(source):
    text = (source / "client/pond.h").read_text(encoding="utf-8")
    text = text[text.index("/* ---- errors ---- */"):]
    return set(re.findall(r"POND_API[^;]*?\b(pond_\w+)\s*\(", text))


def defined(library, *options):
    lines = run("nm", "-P", "--defined-only", *options, library).splitlines()
    return {line.split()[0].split("@")[0] for line in lines
            if len(line.split()) > 2 and line.split()[1].isupper() and line.split()[1] != "A"}


def check_equal(what, found, wanted):
    if found != wanted:
        sys.exit("%s: too many: %s, missing: %s" % (what, sorted(found - wanted), sorted(wanted - found)))


def main(build, source, compiler, flags):
    functions = public_functions(source)
    with tempfile.TemporaryDirectory(prefix="pond-package.") as folder:
        prefix = pathlib.Path(folder) / "usr"
        for component in ("libpond0", "libpond-dev"):
            run("cmake", "--install", build, "--prefix", prefix, "--component", component)
        lib = next(path.parent for path in prefix.rglob("libpond.a"))
        check_equal("libpond.so", defined(lib / "libpond.so", "-D"), functions)
        check_equal("libpond.a", defined(lib / "libpond.a", "-g"), functions)
        assert "libpond.so.0" in run("readelf", "-d", lib / "libpond.so")
        manual = next(prefix.rglob("libpond.3")).read_text(encoding="utf-8")
        check_equal("libpond.3", functions & set(re.findall(r"pond_\w+", manual)), functions)

        user = pathlib.Path(folder) / "user"
        user.mkdir()
        program = (source / "client/examples/scopes.c").read_text(encoding="utf-8")
        (user / "user.c").write_text(program.replace('"client/pond.h"', "<pond.h>"), encoding="utf-8")
        (user / "CMakeLists.txt").write_text(PROJECT, encoding="utf-8")
        env = dict(os.environ, PKG_CONFIG_PATH=str(lib / "pkgconfig"), LD_LIBRARY_PATH=str(lib),
                   PGHOST="/nonexistent")
        # the prefix of pkg-config's file is that of the configuration: told anew, as for any moved package
        words = run("pkg-config", "--define-variable=prefix=%s" % prefix, "--cflags", "--libs", "libpond", env=env)
        run(compiler, *flags, "user.c", "-o", "user_pc", *words.split(), cwd=user, env=env)
        run("cmake", "-S", user, "-B", user / "build", "-DCMAKE_C_COMPILER=" + compiler,
            "-DCMAKE_C_FLAGS=" + " ".join(flags), "-DCMAKE_PREFIX_PATH=%s" % prefix, env=env)
        run("cmake", "--build", user / "build", env=env)
        for built in ("user_pc", "build/user_shared", "build/user_static"):
            done = subprocess.run([user / built], stdout=subprocess.PIPE, env=env, check=False)
            assert done.returncode == 1 and b"c could not be left" in done.stdout, (built, done)
    print("%d functions" % len(functions))


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
