"""Whether the work gets on, and whether the engine itself is well. What is found is told, and nothing is done about it.

`vitals` are the signs of life of one lease, kept in memory; `monitor` looks at them; `patterns` knows work that goes
round in circles; `machine` looks at what the engine stands on.
"""
