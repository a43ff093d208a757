"""Training steps as CUDA graphs: recorded once, then replayed without Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only

from .data.inputs import Inputs

__all__ = ["StepGraphs", "recorded_steps"]

Step = dict[str, Any]
# the first steps, in which libraries and the optimizer set themselves up, are not recorded
_N_EAGER = 3
# each graph holds the memory of a step; the batches of a training have few sizes, mostly two
_MOST_GRAPHS = 16
_OF_ROWS = "y_pred", "y_true"


class StepGraphs:
    """Takes the steps of one training, and records one graph for each size of a batch.

    The graph has the forward pass, the losses, the gradients and the update of the weights. The
    rows, the factor of lam and the learning rates change from step to step: they are copied to
    where the graph reads them.

    Parameters
    ----------
    net : AdaptationNet
        On a GPU.

    Raises
    ------
    ValueError
        If the net trains in a way that a graph cannot repeat.
    """

    def __init__(self, net: Any) -> None:
        _check(net)
        self.net = net
        self.device = torch.device(net.device)
        self.lam_factor = _Number(self.device)
        self.rates = [_Number(self.device) for _ in net.optimizer_.param_groups]
        self.graphs: dict[Any, _Graph] = {}
        self.n_eager: Counter[Any] = Counter()
        self.trained: list[bool] = []

    def for_epoch(self) -> Callable[[Any], Step]:
        """Return the function that takes the steps of the next epoch.

        The graphs are forgotten if a recipe has freed or fixed layers since the last epoch.
        """
        modules = self.net.trained_modules
        trained = [p.requires_grad for module in modules for p in module.parameters()]
        trained += [part.training for module in modules for part in module.modules()]
        if trained != self.trained:
            self.graphs.clear()
            self.n_eager.clear()  # the optimizer sets itself up for freed layers outside a graph
        self.trained = trained
        return self.take

    def take(self, batch: Any) -> Step:
        """Take a step; replay the graph of a batch of the same sizes if there is one."""
        leaves = tree_leaves(batch)
        if any(isinstance(leaf, Inputs) for leaf in leaves):
            raise _refused("a module of several inputs")
        key = tuple(t.shape if isinstance(t, Tensor) else t for t in leaves)
        graph = self.graphs.get(key)
        if graph is None:
            first = not self.n_eager[key] or self.n_eager.total() < _N_EAGER
            if first or len(self.graphs) == _MOST_GRAPHS:
                self.n_eager[key] += 1
                eager: Step = self.net.quiet_step(batch)
                return eager
        net, groups = self.net, self.net.optimizer_.param_groups
        self.lam_factor.set(net.lam_schedule(net.progress))
        for rate, group in zip(self.rates, groups, strict=True):
            rate.set(group["lr"])
        if graph is None:
            graph = self.graphs[key] = self._recorded(batch)
        step = graph.replay([t for t in leaves if isinstance(t, Tensor)])
        net.swap_rates()
        return step

    def _recorded(self, batch: Any) -> _Graph:
        """Record the step of a batch, without taking it."""
        net, groups = self.net, self.net.optimizer_.param_groups
        held = [(group, group["lr"], group.get("capturable")) for group in groups]
        rates, net.rates_ = net.rates_, ()
        own = tree_map_only(Tensor, lambda t: t.to(self.device, copy=True), batch)
        for rate, group in zip(self.rates, groups, strict=True):
            group["lr"] = rate.tensor
            if "capturable" in group:
                group["capturable"] = True
        net.lam_factor_ = self.lam_factor.tensor
        try:
            return _Graph(own, partial(net.quiet_step, own))
        except RuntimeError as error:
            raise ValueError(
                "The 'cuda_graphs' parameter must be False for a training whose steps read "
                "numbers from the GPU, or whose tensors have other sizes in each step. Got True, "
                f"and the step could not be recorded: {str(error).splitlines()[0]}"
            ) from error
        finally:
            net.lam_factor_, net.rates_ = None, rates
            for group, lr, capturable in held:
                group["lr"] = lr
                if "capturable" in group:
                    group["capturable"] = capturable


class _Number:
    """A number on the device that a graph reads."""

    def __init__(self, device: torch.device) -> None:
        self.tensor = torch.zeros((), device=device)
        self.value: Any = 0.0

    def set(self, value: Any) -> None:
        if isinstance(value, Tensor) or value != self.value:
            self.tensor.fill_(value)
            self.value = value


class _Graph:
    """A recorded step, the tensors that it reads and those that it returns."""

    def __init__(self, batch: Any, take_step: Callable[[], Step]) -> None:
        self.given = [t for t in tree_leaves(batch) if isinstance(t, Tensor)]
        self.run, self.step = record(take_step)

    def replay(self, given: Sequence[Tensor]) -> Step:
        for own, tensor in zip(self.given, given, strict=True):
            own.copy_(tensor, non_blocking=True)
        self.run()
        # the next replay overwrites these tensors; of logits and labels only the shape is read
        kept = {name: value for name, value in self.step.items() if name not in _OF_ROWS}
        copies: Step = tree_map_only(Tensor, Tensor.clone, kept)
        return self.step | copies


def record(take_step: Callable[[], Step]) -> tuple[Callable[[], None], Step]:
    """Record what a function does on the GPU; return its replay, and what it returned."""
    graph = torch.cuda.CUDAGraph()
    generator = torch.cuda.default_generators[torch.cuda.current_device()]
    before = generator.clone_state()
    try:
        # other threads may go on with their work on the GPU
        with torch.cuda.graph(
            graph, stream=torch.cuda.current_stream(), capture_error_mode="thread_local"
        ):
            step = take_step()
    except BaseException:
        # after a failed recording the generator could not draw any more
        generator.graphsafe_set_state(before)
        raise
    return graph.replay, step


@contextmanager
def recorded_steps(net: Any) -> Iterator[None]:
    """Let a net take its steps by CUDA graphs inside the with block, if `cuda_graphs` says so."""
    if not net.cuda_graphs or torch.device(net.device).type != "cuda":
        yield
        return
    # a graph cannot be recorded on the default stream
    outside = torch.cuda.current_stream(net.device)
    stream = torch.cuda.Stream(net.device)
    stream.wait_stream(outside)
    with torch.cuda.stream(stream):
        net.graphs_ = StepGraphs(net)
        try:
            yield
        finally:
            net.graphs_ = None
            outside.wait_stream(stream)


def _check(net: Any) -> None:
    """Raise ValueError if a graph cannot repeat the steps of a net."""
    term = net.adaptation_ if net.adapts else None
    groups = net.optimizer_.param_groups
    reasons = {
        "callbacks that look at single steps": net.is_watched(),
        "several processes": net.processes.n > 1,
        "a method that trains networks of its own in each step": (
            term is not None and bool(term.own_state() or [*term.own_parameters()])
        ),
        "an adaptation loss that is set anew before each epoch": (
            term is not None and term.epoch_sample > 0
        ),
        "an adaptation loss that reads numbers from the GPU": term is not None and term.waits,
        f"the optimizer {type(net.optimizer_).__name__}, which has no fused form": not all(
            group.get("fused") for group in groups
        ),
        "compile=True, which records its own": bool(net.compile),
    }
    if found := [reason for reason, is_so in reasons.items() if is_so]:
        raise _refused(found[0])


def _refused(what: str) -> ValueError:
    return ValueError(f"The 'cuda_graphs' parameter must be False for {what}. Got True instead.")
