"""Small programs that work outside the engine's process: the launcher with its supervisors, and the search.

They are started with `-I -S`, so that they are up within milliseconds, and use the standard library only. The engine
imports some of these modules too, for what both sides must agree on.
"""
