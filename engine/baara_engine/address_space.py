"""The memory of a small program of our own, held down by itself before it reads what may explode."""

import importlib
import sys


def limit(size: int) -> None:
    """Hold this process to so many bytes of address space, where the system can."""
    if sys.platform == "linux":  # elsewhere an address space cannot be limited so low
        resource = importlib.import_module("resource")
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))
