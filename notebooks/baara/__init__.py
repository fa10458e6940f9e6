"""The notebook helper of Baara. It depends on the standard library alone, never on the desktop program."""

__version__ = "0.1.0"
