"""When something is due: cron in any zone, intervals, single times, and how people write them.

`rules` holds the three kinds of rule and answers what is due; `parsing` and `phrases` read them from text; `cron` and
`zones` do the arithmetic. Nothing here reads a clock or a database.
"""
