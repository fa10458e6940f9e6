"""The parts of the wasm sandbox: worker processes that run guests, and the engine's end of them.

`worker`, `guests` and `control` run in a worker process and alone import Extism; `framing` is what both sides agree on;
the rest is the engine's.
"""
