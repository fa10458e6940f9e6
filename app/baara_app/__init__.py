"""Baara as a program: its command line, and starting and stopping the engine."""
