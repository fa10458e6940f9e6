"""Fakes for tests. They ship with the engine and obey the same contracts as the real things."""
