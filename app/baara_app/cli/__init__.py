"""The command line. Each command is one call of `Engine`, and shows what it gives as text or as JSON.

main        the program: puts the commands together, turns errors into exit statuses
common      what all commands share: --home, --json, the engine
options     how work is to be run: the options of submit and of tasks
when        points in time as people type them
output      writing text, tables, JSON and errors
terminal    the same on a screen, with colours and a line that moves
documents   records as JSON
words       records as people read them
waiting     following an execution until it has ended
the rest    one module for each group of commands
"""
