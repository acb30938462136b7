"""The server as its user has it: a process started by the command, asked over HTTP."""

from bench.server import Server, start, stop

__all__ = ["Server", "start", "stop"]
