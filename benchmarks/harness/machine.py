"""The head of a page: the day, the machine, the command, the versions."""

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from runpy import run_path

VERSION = Path(__file__).parents[2] / "skda" / "_version.py"
PACKAGES = ("torch", "scikit-learn", "skorch", "numpy")


def today() -> str:
    return date.today().isoformat()


def machine() -> str:
    """Return the number of cores, the processor's name and how many threads are used."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        name = models[0] if models else name
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    return f"{os.cpu_count()} cores, {name}, {platform.system()}; OMP_NUM_THREADS {threads}"


def versions(*more: str) -> str:
    """Return the versions of Python and of what the scores depend on."""
    own = run_path(str(VERSION))["__version__"]  # importing skda would take seconds
    found = [f"Python {platform.python_version()}", f"skda {own}"]
    return ", ".join([*found, *(f"{name} {version(name)}" for name in (*PACKAGES, *more))])


def command(arguments: Sequence[str]) -> str:
    """Return the command line that runs this program with these arguments."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None:
        program = f"-m {spec.name.removesuffix('.__main__')}"
    else:
        script = Path(sys.argv[0])
        program = str(Path(script.parent.name, script.name))
    return f"python {program} {shlex.join(arguments)}".strip()


def header(made_by: str, *lines: str, packages: Sequence[str] = ()) -> str:
    """Return the list that a page begins with."""
    items = [f"{today()}, {machine()}", made_by, versions(*packages), *lines]
    return "\n".join(f"- {item}" for item in items)
