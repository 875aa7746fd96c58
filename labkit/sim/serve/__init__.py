"""Served twins: the same twins over real transports, for other processes and for programs that know nothing of labkit.

All servers of one bench share one lock, because its twins share one world. They run on a wall clock; with a time scale
an instrument's latency shrinks as everything else does.
"""

from labkit.sim.serve.listener import Server
from labkit.sim.serve.modbus import serve_registers
from labkit.sim.serve.pty import serve_stream
from labkit.sim.serve.rtu import serve_registers_rtu
from labkit.sim.serve.serial import serve_messages_serial
from labkit.sim.serve.tcp import serve_messages

__all__ = [
    "Server", "serve_messages", "serve_messages_serial", "serve_registers", "serve_registers_rtu", "serve_stream",
]
