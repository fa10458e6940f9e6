"""Checks: tests of "done" that the system runs itself when the work says that it is finished."""
