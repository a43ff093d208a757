"""What running a network tells: the order of its layers and the one that computes the logits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Run", "main_output", "note_run", "run_of"]


class Run(NamedTuple):
    """A forward pass of a network.

    Attributes
    ----------
    order : tuple of str
        Names of the submodules in the order of their first calls; those with parameters on which
        the output does not depend, such as auxiliary classifiers, are left out.
    head : str or None
        Name of the ``nn.Linear`` that computes the output, if there is one.
    ends_in : str or None
        "softmax" or "sigmoid" where the output is one's.
    """

    order: tuple[str, ...]
    head: str | None
    ends_in: str | None


def run_of(module: nn.Module) -> Run | None:
    """Return what `note_run` noted of `module`, if it was called."""
    run: Run | None = vars(module).get("_skda_run")
    return run


def main_output(output: Any) -> Any:
    """Return the first element of a tuple or list, or the field ``logits`` of a structure."""
    if isinstance(output, Mapping) and "logits" in output:
        return output["logits"]
    if hasattr(output, "logits"):
        return output.logits
    return output[0] if isinstance(output, (tuple, list)) and output else output


def note_run(module: nn.Module, rows: Tensor) -> None:
    """Pass rows through `module` in the mode that it is in, and note the `Run` in it.

    Notes
    -----
    The functions of autograd's graph say on which layers the output depends, also where a layer
    was defined before the others, or called for another output.
    """
    calls: dict[str, int] = {}
    linears: list[tuple[str, Tensor]] = []
    handles = []
    for name, submodule in module.named_modules():
        called = partial(_note_call, calls, name)
        handles.append(submodule.register_forward_pre_hook(called))
        if isinstance(submodule, nn.Linear):
            computed = partial(_note_output, linears, name)
            handles.append(submodule.register_forward_hook(computed))
    try:
        with torch.enable_grad(), _all_require_grad(module):
            output = main_output(module(rows))
            graph, leaves = _graph_of(output)
    finally:
        for handle in handles:
            handle.remove()
    vars(module)["_skda_run"] = Run(
        _order(module, calls, leaves), _head(output, linears, graph), _ends_in(output)
    )


def _note_call(calls: dict[str, int], name: str, *_: Any) -> None:
    calls.setdefault(name, len(calls))


def _note_output(
    linears: list[tuple[str, Tensor]], name: str, _: Any, __: Any, output: Tensor
) -> None:
    linears.append((name, output))


@contextmanager
def _all_require_grad(module: nn.Module) -> Iterator[None]:
    """Let frozen parameters show in the graph inside the with block."""
    frozen = [p for p in module.parameters() if not p.requires_grad and p.is_floating_point()]
    for parameter in frozen:
        parameter.requires_grad_(True)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)


def _graph_of(output: Any) -> tuple[set[Any], set[int]]:
    """Return the functions that computed `output`, and the ids of the parameters that they read."""
    waiting = [getattr(output, "grad_fn", None)]
    graph: set[Any] = set()
    leaves: set[int] = set()
    while waiting:
        function = waiting.pop()
        if function is None or function in graph:
            continue
        graph.add(function)
        if hasattr(function, "variable"):
            leaves.add(id(function.variable))
        waiting += [before for before, _ in function.next_functions]
    return graph, leaves


def _order(module: nn.Module, calls: dict[str, int], leaves: set[int]) -> tuple[str, ...]:
    latest = 0
    keys = {}
    for name, submodule in module.named_modules():
        # one that is not called itself, but read by its parent, stays behind what is before it
        latest = calls.get(name, latest)
        own = [id(parameter) for parameter in submodule.parameters(recurse=False)]
        if not (own and leaves) or leaves.intersection(own):
            keys[name] = latest
    return tuple(sorted(keys, key=lambda name: keys[name]))


def _head(output: Any, linears: list[tuple[str, Tensor]], graph: set[Any]) -> str | None:
    found = [(name, out) for name, out in linears if out.grad_fn in graph] or linears
    width = output.shape[1] if isinstance(output, Tensor) and output.ndim > 1 else 1
    found = [(name, out) for name, out in found if out.shape[-1] == width] or found
    return found[-1][0] if found else None


_SHAPES = (
    "Squeeze",
    "Unsqueeze",
    "View",
    "UnsafeView",
    "ReshapeAlias",
    "Clone",
    "ToCopy",
    "Select",
)


def _ends_in(output: Any) -> str | None:
    function = getattr(output, "grad_fn", None)
    while function is not None and function.name().startswith(_SHAPES):
        function = function.next_functions[0][0]
    name = "" if function is None else function.name()
    return {"SoftmaxBackward0": "softmax", "SigmoidBackward0": "sigmoid"}.get(name)
