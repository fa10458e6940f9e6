"""What `sysconfig` reads, and through it `zoneinfo`: the build writes one too, with its own paths in it."""

build_time_vars = {
    "EXT_SUFFIX": ".cpython-313-wasm32-wasi.so",
    "HOST_GNU_TYPE": "wasm32-unknown-wasip1",
    "LIBDIR": "/lib/python/lib",
    "MULTIARCH": "wasm32-wasi",
    "Py_GIL_DISABLED": 0,
    "SOABI": "cpython-313-wasm32-wasi",
    "TZPATH": "",
    "exec_prefix": "/lib/python",
    "prefix": "/lib/python",
}
