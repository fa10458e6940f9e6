"""`python`: run a program in Python, where the sandbox has it."""

from baara_engine.tools import programs

TOOL = programs.PYTHON
