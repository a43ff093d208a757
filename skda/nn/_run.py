"""The order of a network's layers and the layer of the logits, found by running the network."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Run", "ends_of", "graph_of", "main_output", "note_run", "run_of", "two_logits"]


class Run(NamedTuple):
    """A forward pass of a network.

    Attributes
    ----------
    order : tuple of str
        Names of the submodules in the order of their first calls, without those whose parameters
        the output does not depend on, such as auxiliary classifiers.
    head : str or None
        Name of the ``nn.Linear`` that computes the output, if there is one. Of several, it is the
        one with the fewest steps from its output to that of the network; a layer whose input is
        the rows comes last.
    ends_in : str or None
        The last function of the network, such as "softmax" or "sigmoid", if it is one of `_ENDS`.
    beside : tuple of str
        Names of further ``nn.Linear`` whose outputs are terms or factors of the output, as in an
        ensemble, and whose input is not that of `head`.
    """

    order: tuple[str, ...]
    head: str | None
    ends_in: str | None
    beside: tuple[str, ...] = ()


def run_of(module: nn.Module) -> Run | None:
    """Return the `Run` that `note_run` stored in `module`, or None."""
    run: Run | None = vars(module).get("_skda_run")
    return run


def main_output(output: Any) -> Any:
    """Return the first element of a tuple or list, or the field ``logits`` of a structure."""
    if isinstance(output, Mapping) and "logits" in output:
        return output["logits"]
    if hasattr(output, "logits"):
        return output.logits
    return output[0] if isinstance(output, (tuple, list)) and output else output


def two_logits(outputs: Tensor) -> Tensor:
    """Turn one logit z a row into (0, z), whose softmax is the sigmoid of z; keep all others."""
    if outputs.ndim > 1 and outputs.shape[1] != 1:
        return outputs
    second = outputs.reshape(-1)
    return torch.stack([torch.zeros_like(second), second], dim=1)


def note_run(module: nn.Module, rows: Tensor) -> None:
    """Pass rows through `module` in its present mode, and store the `Run` in the module.

    The graph of autograd shows on which layers the output depends. The order of definitions does
    not, and neither do the calls, some of which may be for another output.
    """
    calls: dict[str, int] = {}
    linears: list[_Linear] = []
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
            depths, leaves = graph_of(output)
    finally:
        for handle in handles:
            handle.remove()
    head = _head(output, linears, depths)
    vars(module)["_skda_run"] = Run(
        _order(module, calls, leaves),
        None if head is None else head.name,
        ends_of(output),
        _beside(output, linears, head),
    )


def _note_call(calls: dict[str, int], name: str, *_: Any) -> None:
    calls.setdefault(name, len(calls))


class _Linear(NamedTuple):
    """A call of an ``nn.Linear``: its output, its input, and whether a layer computed the input."""

    name: str
    output: Tensor
    of_features: bool
    features: Any


def _note_output(
    linears: list[_Linear], name: str, _: Any, given: tuple[Any, ...], output: Tensor
) -> None:
    features = given[0] if given else None
    linears.append(_Linear(name, output, features is None or features.requires_grad, features))


@contextmanager
def _all_require_grad(module: nn.Module) -> Iterator[None]:
    """Let frozen parameters require a gradient, and be in the graph, inside the with block."""
    frozen = [p for p in module.parameters() if not p.requires_grad and p.is_floating_point()]
    for parameter in frozen:
        parameter.requires_grad_(True)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)


def graph_of(output: Any, without: Any = None) -> tuple[dict[Any, int], set[int]]:
    """Return the functions that computed `output`, and the ids of the parameters that they read.

    Each function has its number of steps from the output. Functions and parameters that only the
    function `without` reads are left out.
    """
    waiting = deque([(getattr(output, "grad_fn", None), 0)])
    depths: dict[Any, int] = {}
    leaves: set[int] = set()
    while waiting:
        function, depth = waiting.popleft()
        if function is None or function in depths or function is without:
            continue
        depths[function] = depth
        if hasattr(function, "variable"):
            leaves.add(id(function.variable))
        waiting.extend((before, depth + 1) for before, _ in function.next_functions)
    return depths, leaves


def _order(module: nn.Module, calls: dict[str, int], leaves: set[int]) -> tuple[str, ...]:
    latest = 0
    keys = {}
    for name, submodule in module.named_modules():
        # a submodule that only its parent reads keeps its place after the one before it
        latest = calls.get(name, latest)
        own = [id(parameter) for parameter in submodule.parameters(recurse=False)]
        if not (own and leaves) or leaves.intersection(own):
            keys[name] = latest
    return tuple(sorted(keys, key=lambda name: keys[name]))


def _head(output: Any, linears: list[_Linear], depths: dict[Any, int]) -> _Linear | None:
    if not depths:  # a network without gradients
        return linears[-1] if linears else None
    found = [linear for linear in linears if linear.output.grad_fn in depths]
    width = output.shape[1] if isinstance(output, Tensor) and output.ndim > 1 else 1
    if fits := [linear for linear in found if linear.output.shape[-1] == width]:
        *_, best = sorted(fits, key=lambda n: (n.of_features, -depths[n.output.grad_fn]))
        return best
    # a layer of another width is the head only if no layer with parameters comes after it
    if found and not graph_of(output, without=found[-1].output.grad_fn)[1]:
        return found[-1]
    return None


def _beside(output: Any, linears: list[_Linear], head: _Linear | None) -> tuple[str, ...]:
    """Name the layers whose outputs are combined with that of the head, element by element."""
    if head is None:
        return ()
    waiting, put_together = [getattr(output, "grad_fn", None)], set()
    while waiting:
        function = waiting.pop()
        if function is not None and function not in put_together:
            put_together.add(function)
            if function.name().startswith((*_SHAPES, *_SUMS)):
                waiting.extend(before for before, _ in function.next_functions)
    width = head.output.shape[-1]
    others = {
        linear.name: None
        for linear in linears
        if linear.output.grad_fn in put_together
        and linear.output.shape[-1] == width
        and linear.of_features
        and linear.name != head.name
        and linear.features is not head.features
    }
    return tuple(others)


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


_SUMS = ("Add", "Sub", "Mean", "Sum", "Stack", "Div", "Mul", "Neg")


def ends_of(output: Any) -> str | None:
    """Return the name of the function that computed an output, if it is one of `_ENDS`."""
    function = getattr(output, "grad_fn", None)
    while function is not None and function.name().startswith(_SHAPES):
        function = function.next_functions[0][0]
    return None if function is None else _ENDS.get(function.name())


_ENDS = {
    f"{name}Backward0": name.lower()
    for name in ("Softmax", "LogSoftmax", "Sigmoid", "Tanh", "Hardtanh", "Relu", "Softplus", "Exp")
}
