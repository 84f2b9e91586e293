"""Memory and processor time of a `stagecall serve` with all its processes, by what they are for."""

import contextlib
from collections import Counter
from collections.abc import Mapping

import psutil

from tests.bench.processes import Service

MIB = 1024 * 1024


def memory(served: Service) -> Mapping[str, float]:
    """MiB by role. Pages that processes share are counted once (PSS; where the system has none, USS)."""
    found: Counter[str] = Counter()
    for process, role in _roles(served):
        with contextlib.suppress(psutil.Error):
            info = process.memory_full_info()
            found[role] += round(getattr(info, "pss", info.uss) / MIB * 10)
    return {role: tenths / 10 for role, tenths in found.items()}


def processor_time(served: Service) -> Mapping[str, float]:
    """Seconds of processor time used so far, by role."""
    found: dict[str, float] = {}
    for process, role in _roles(served):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            # what children that have ended used stands with their parent
            ended = times.children_user + times.children_system if role == "postgres" else 0.0
            found[role] = found.get(role, 0.0) + times.user + times.system + ended
    return found


def _roles(served: Service) -> list[tuple[psutil.Process, str]]:
    found = []
    for process in served.family():
        with contextlib.suppress(psutil.Error):
            found.append((process, _role(process, served)))
    return found


def _role(process: psutil.Process, served: Service) -> str:
    if process.name().startswith("postgres"):
        return "postgres"
    if served.process is not None and process.pid == served.process.pid:
        return "supervisor"
    return "worker" if "work" in process.cmdline() else "web"
