#!/bin/bash
# Builds the guests of the wasm sandbox from the sources of CPython, zlib, SQLite and QuickJS, with tools from package
# registries that this machine is set up for. See README.md beside it.
#   packaging/wasm/build.sh [--compare]     needs gcc, make, python3, npm, apt-get and xz; ten minutes on two cores
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
GUESTS=$(cd "$HERE/../../engine/baara_engine/sandboxes/guests" && pwd)
# Always the same place, whoever builds: compilers write paths into what they make.
PLACE=/tmp/baara-guests
ZIG=0.17.1 BINARYEN=132.0.0 QUICKJS=1.19.4 SQLITE=12.11.1
JOBS=${JOBS:-2}
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=1767225600 PYTHONHASHSEED=0

tools() {
  python3 -m venv tools
  tools/bin/pip install --quiet --disable-pip-version-check "ziglang==$ZIG"
  npm install --silent --no-fund --no-audit --prefix tools "binaryen@$BINARYEN" >/dev/null
  printf '#!/bin/sh\nexec %s/tools/bin/python -m ziglang cc -target wasm32-wasi "$@"\n' "$PLACE" >cc
  for tool in ar ranlib; do printf '#!/bin/sh\nexec %s/tools/bin/python -m ziglang %s "$@"\n' "$PLACE" $tool >$tool; done
  chmod +x cc ar ranlib
}

sources() {
  mkdir -p sources apt/lists/partial apt/cache/archives/partial
  local from
  from=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources | head -1)
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from trixie main" >apt/sources.list
  local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$PLACE/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$PLACE/apt/lists" -o "Dir::Cache=$PLACE/apt/cache" -o APT::Sandbox::User=root)
  "${apt[@]}" update
  (cd sources && for name in python3.13 zlib; do "${apt[@]}" source --tar-only --download-only --only-source $name; done) >/dev/null
  (cd sources && npm pack --silent "better-sqlite3@$SQLITE") >/dev/null
  (cd sources && ../tools/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: "quickjs==$QUICKJS")
  (cd sources && sha256sum --quiet --check "$HERE/sources.sha256")
  mkdir cpython zlib sqlite quickjs
  tar xJf sources/python3.13_*.orig.tar.xz -C cpython --strip-components=1
  tar xzf sources/zlib_*.orig.tar.gz -C zlib --strip-components=1
  tar xzf sources/better-sqlite3-*.tgz -C sqlite --strip-components=3 package/deps/sqlite3
  tar xzf sources/quickjs-*.tar.gz -C quickjs --strip-components=1
}

native_python() {
  mkdir native
  (cd native && ../cpython/configure -q --disable-test-modules && make -s "-j$JOBS") >native.log 2>&1
}

libraries() {
  (cd zlib && for name in adler32 compress crc32 deflate gzclose gzlib gzread gzwrite infback inffast inflate inftrees \
    trees uncompr zutil; do ../cc -O2 -g0 -DHAVE_UNISTD_H -c $name.c; done && ../ar rcs libz.a ./*.o)
  (cd sqlite && ../cc -O2 -g0 -w -DSQLITE_OMIT_WAL -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_THREADSAFE=0 \
    -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_MAX_MMAP_SIZE=0 -DSQLITE_ENABLE_FTS5 -DSQLITE_TEMP_STORE=3 \
    -D_WASI_EMULATED_GETPID -D_WASI_EMULATED_MMAN -D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS \
    -c sqlite3.c && ../ar rcs libsqlite3.a sqlite3.o)
}

python_module() {
  mkdir wasi && cd wasi
  cat ../cpython/Tools/wasm/config.site-wasm32-wasi "$HERE/python/config.site" >config.site
  ../cc -O2 -g0 -c "$HERE/python/libc.c" -o libc.o
  (
    export CONFIG_SITE=$PWD/config.site CC=$PLACE/cc AR=$PLACE/ar RANLIB=$PLACE/ranlib CPP="$PLACE/cc -E"
    export PKG_CONFIG=/bin/false ZLIB_CFLAGS="-I$PLACE/zlib" ZLIB_LIBS="-L$PLACE/zlib -lz"
    export LIBSQLITE3_CFLAGS="-I$PLACE/sqlite" LIBSQLITE3_LIBS="-L$PLACE/sqlite -lsqlite3 -lwasi-emulated-mman"
    export OPT="-DNDEBUG -Os"
    export CFLAGS="-g0 -fno-sanitize=undefined -Wno-date-time -DSOCK_RAW=3 -Dpthread_key_delete=baara_pthread_key_delete"
    ../cpython/configure -q --host=wasm32-unknown-wasip1 --build="$(../cpython/config.guess)" \
      --with-build-python="$PLACE/native/python" --disable-test-modules --without-doc-strings \
      --prefix=/lib/python --with-suffix=.wasm
    make -s "-j$JOBS" CONFIGURE_LDFLAGS_NODIST='-Wl,-z,stack-size=8388608 -Wl,--initial-memory=20971520' \
      LIBS="$PWD/libc.o $(sed -n 's/^LIBS=//p' Makefile)" \
      EXTRA_CFLAGS='-DDATE=\"Jan__1_2026\" -DTIME=\"00:00:00\"' python.wasm
  ) >../wasi.log 2>&1
  cd ..
}

# The shim lies behind CPython's own 320 pages of memory, in eight more.
python_guest() {
  python=tools/bin/python
  $python -m ziglang cc -target wasm32-freestanding -mcpu=generic -Os -nostdlib -fno-stack-protector -Wl,--no-entry \
    -Wl,--import-memory -Wl,--global-base=$((320 * 65536)) -Wl,-z,stack-size=65536 -Wl,--strip-all \
    -o shim.wasm "$HERE/python/shim.c"
  $python "$HERE/python/sections.py" prepare wasi/python.wasm python.wasm 328
  tools/node_modules/.bin/wasm-merge python.wasm env shim.wasm wasi_snapshot_preview1 -o merged.wasm \
    --enable-bulk-memory --enable-bulk-memory-opt --enable-sign-ext --enable-mutable-globals \
    --enable-nontrapping-float-to-int --enable-multivalue --enable-reference-types
  mkdir -p made/library
  $python "$HERE/python/sections.py" finish merged.wasm made/python.wasm
  native/python "$HERE/python/pack.py" cpython/Lib made/library/python313.zip "$HERE"/python/library/*.py
}

javascript_guest() {
  mkdir -p made include
  native/python - "$HERE/javascript/prelude.js" >include/prelude.h <<'X'
import sys
text = open(sys.argv[1], "rb").read() + b"\0"
print("static const unsigned char PRELUDE[] = {" + ",".join(map(str, text)) + "};")
X
  local from=quickjs/upstream-quickjs
  ./cc -mexec-model=reactor -O2 -s -Wno-everything -D_GNU_SOURCE -DCONFIG_VERSION='"2021-03-27"' -DCONFIG_BIGNUM \
    -DEMSCRIPTEN -DCONFIG_STACK_CHECK -DFE_DOWNWARD=0 -DFE_UPWARD=0 -Iinclude -I$from "$HERE/javascript/shim.c" $from/quickjs.c \
    $from/libregexp.c $from/libunicode.c $from/cutils.c $from/libbf.c -Wl,-z,stack-size=2097152 -o made/javascript.wasm
}

compare() {
  chmod -R u=rwX,go=rX made
  (cd made && sha256sum javascript.wasm library/python313.zip python.wasm) >made.sha256
  if [ "${1:-}" = --compare ]; then
    diff "$GUESTS/SHA256SUMS" made.sha256 && echo "The guests are what their sources make."
  else
    cp -r made/. "$GUESTS/" && cp made.sha256 "$GUESTS/SHA256SUMS" && cat made.sha256
  fi
}

# BAARA_GUESTS_FROM names the step to begin with, for work on the later ones.
steps=(tools sources native_python libraries python_module python_guest javascript_guest)
from=${BAARA_GUESTS_FROM:-tools}
[ "$from" = tools ] && rm -rf "$PLACE"
mkdir -p "$PLACE" && cd "$PLACE"
begun=
for step in "${steps[@]}"; do
  [ "$step" = "$from" ] && begun=1
  if [ -n "$begun" ]; then echo "== $step" && "$step"; fi
done
compare "$@"
