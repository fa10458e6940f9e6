"""The engine of Baara: it queues work, runs it in sandboxes, journals every step and recovers. It knows no screen."""

__version__ = "0.1.0"
