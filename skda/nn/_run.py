"""What running a network tells: the order of its layers and the one that computes the logits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Run", "ends_of", "graph_of", "main_output", "note_run", "run_of"]


class Run(NamedTuple):
    """A forward pass of a network.

    Attributes
    ----------
    order : tuple of str
        Names of the submodules in the order of their first calls; those with parameters on which
        the output does not depend, such as auxiliary classifiers, are left out.
    head : str or None
        Name of the ``nn.Linear`` that computes the output, if there is one: of several, that with
        the fewest steps from its output to the network's, and not one of the rows as they come.
    ends_in : str or None
        What the output is of, such as "softmax" or "sigmoid", where it is one of `_ENDS`.
    beside : tuple of str
        Names of further ``nn.Linear`` that the output is a sum or product of, as in an ensemble,
        each of other features than those of `head`.
    """

    order: tuple[str, ...]
    head: str | None
    ends_in: str | None
    beside: tuple[str, ...] = ()


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
    """A call of an ``nn.Linear``: what it got and gave, and whether a layer computed the former."""

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
    """Let frozen parameters show in the graph inside the with block."""
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

    Each function has its number of steps from the output; what only `without` reads is left out.
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
        # one that is not called itself, but read by its parent, stays behind what is before it
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
    # another width is the logits' only where no layer of another kind computes them from it
    if found and not graph_of(output, without=found[-1].output.grad_fn)[1]:
        return found[-1]
    return None


def _beside(output: Any, linears: list[_Linear], head: _Linear | None) -> tuple[str, ...]:
    """Name the layers whose outputs are put together with that of the head, number by number."""
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
    """Return what an output with a gradient is of, one of `_ENDS`, or None."""
    function = getattr(output, "grad_fn", None)
    while function is not None and function.name().startswith(_SHAPES):
        function = function.next_functions[0][0]
    return None if function is None else _ENDS.get(function.name())


_ENDS = {
    f"{name}Backward0": name.lower()
    for name in ("Softmax", "LogSoftmax", "Sigmoid", "Tanh", "Hardtanh", "Relu", "Softplus", "Exp")
}
