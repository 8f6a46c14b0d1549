"""Several machines on one: each with a host name and, where the kernel lets us, a network of its own.

A machine of its own is a network and a UTS namespace, held by a process that sleeps, with a cable (a veth pair) to us.
It has no loopback in common with anybody: what it knows of PostgreSQL, Redis and Stripe comes over the cable. When its
processes are killed, the kernel takes namespace and cable away. Where that is not allowed a machine is a group of
processes with names of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from instainstru.local.chaos.relay import READY
from instainstru.local.processes import Program, Supervisor

SUBNET = "10.213"  # .machine.1 is our end of the cable, .machine.2 the machine's
TOOLS = ("ip", "unshare", "nsenter")
HOLDER = 'hostname "$1" && ip link set lo up && echo "$1 is up" && exec sleep infinity'


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where one machine is: `address` is its own, `gateway` the one at which it finds what all share."""

    name: str
    address: str
    gateway: str
    holder: Program | None = None  # of its namespaces

    @property
    def is_separate(self) -> bool:
        return self.holder is not None


class Network:
    """Machines, and the programs on them."""

    def __init__(self, supervisor: Supervisor, *, shared_ports: Sequence[int]) -> None:
        self._supervisor = supervisor
        self._shared_ports = shared_ports
        self.is_real = _may_have_namespaces()

    def build(self, names: Sequence[str]) -> list[Machine]:
        """Bring machines of these names up."""
        if not self.is_real:
            return [Machine(name=name, address="127.0.0.1", gateway="127.0.0.1") for name in names]
        machines = [self._separate(number, name) for number, name in enumerate(names, start=1)]
        pairs = [f"{machine.gateway}:{port}=127.0.0.1:{port}" for machine in machines for port in self._shared_ports]
        command = [sys.executable, "-m", "instainstru.local.chaos.relay", *pairs]
        self._supervisor.start(Program(name="relay", command=command, ready_line=READY))
        return machines

    def on(self, machine: Machine, program: Program) -> Program:
        """Return a program that runs on a machine."""
        name = f"{machine.name} {program.name}"
        if machine.holder is None:
            return replace(program, name=name)
        holder = str(self._supervisor.pid_of(machine.holder))
        command = ["nsenter", "--target", holder, "--net", "--uts", "--", *program.command]
        return replace(program, name=name, command=command, port=None)

    def _separate(self, number: int, name: str) -> Machine:
        holder = Program(
            name=f"{name} itself",
            command=["unshare", "--net", "--uts", "sh", "-c", HOLDER, "sh", name],
            ready_line=f"{name} is up",
        )
        self._supervisor.start(holder)
        machine = Machine(name=name, address=f"{SUBNET}.{number}.2", gateway=f"{SUBNET}.{number}.1", holder=holder)
        pid, cable = str(self._supervisor.pid_of(holder)), f"chaos{number}"
        inside = ["nsenter", "--target", pid, "--net", "--"]
        for command in (
            ["ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", pid],
            ["ip", "address", "add", f"{machine.gateway}/24", "dev", cable],
            ["ip", "link", "set", cable, "up"],
            [*inside, "ip", "address", "add", f"{machine.address}/24", "dev", "eth0"],
            [*inside, "ip", "link", "set", "eth0", "up"],
        ):
            subprocess.run(command, check=True, capture_output=True)
        return machine


def _may_have_namespaces() -> bool:
    """Tell whether this process may make a network of its own and lay a cable to it."""
    if os.geteuid() != 0 or not all(map(shutil.which, TOOLS)):
        return False
    probe = "ip link add chaosprobe type veth peer name chaosprobe2"
    tried = subprocess.run(["unshare", "--net", "--uts", "sh", "-c", f"hostname probe && {probe}"], capture_output=True)
    return tried.returncode == 0
