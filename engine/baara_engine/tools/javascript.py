"""`javascript`: run a program in JavaScript, where the sandbox has it."""

from baara_engine.tools import programs

TOOL = programs.JAVASCRIPT
