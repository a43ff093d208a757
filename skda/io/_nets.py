"""The trained net of an estimator: network, statistics of the domains, second term, optimizer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from skorch.history import History
from torch import nn

from .._building.calling import ToOutputs
from .._building.modules import resolve_device
from ..nn._run import Run, run_of
from ..nn.capture import Layer, TimeFirst
from ..training import AdaptationNet, Seeds, isolated_rng
from ..training.late_optimizer import optimizers_on_demand
from ..training.watch.callbacks import parts_beside
from ._errors import ModelFileError
from ._limit import AllocationLimit
from ._modules import check_finite, describe_module, is_describable, make_module
from ._names import known_name
from ._plain import expect
from ._rows import check_outputs, rows_of_zeros, some_outputs
from ._shapes import widths_by_rows, widths_by_shapes

if TYPE_CHECKING:
    from ._values import Reader, Writer

__all__ = ["describe_net", "make_net"]

# options that partial_fit reads from the net, not from the estimator's parameters
_OPTIONS = (
    "lam",
    "per_domain",
    "planned_epochs",
    "frozen",
    "unfreeze_every",
    "tuning",
    "target_label_weight",
    "lr",
    "max_epochs",
    "batch_size",
    "data_device",
    "compile",
    "amp",
    "cuda_graphs",
    "verbose",
    "optimizer__lr",
    "optimizer__param_groups",
)
_COUNTS = "step_", "fits_"
# files of earlier versions have no state of it
_LATER = "criterion_"


def describe_net(writer: Writer, estimator: Any, net: AdaptationNet, where: str) -> dict[str, Any]:
    """Describe a trained net of an estimator."""
    with net.domain_module_.lock:  # a prediction in another thread swaps the statistics
        net.domain_module_.statistics["source"].share(net.domain_module_.norms)
        return _describe(writer, estimator, net, where)


def _describe(writer: Writer, estimator: Any, net: AdaptationNet, where: str) -> dict[str, Any]:
    module = net.plain_module
    run = run_of(module)
    undo = [h.undo for h in module._forward_hooks.values() if isinstance(h, ToOutputs)]  # noqa: SLF001
    network: dict[str, Any]
    if is_describable(module, (ToOutputs,)):
        network = {"layers": describe_module(writer, module, f"{where}.module", (ToOutputs,))}
    else:  # `load` makes the network from the estimator's parameters
        network = {"state": writer.state(module, f"{where}.module")}
        network["outputs"] = some_outputs(module, estimator)
    options = {name: vars(net)[name] for name in _OPTIONS if name in vars(net)}
    described = {
        "network": network,
        "run": run and [list(run.order), run.head, run.ends_in],
        "undo": undo,
        "adapted": [[*layer, isinstance(layer, TimeFirst)] for layer in net.layers],
        "widths": list(net.widths),
        "seeds": list(net.seeds),
        "options": writer.encode(options, f"{where}.options"),
        "counts": {name: getattr(net, name) for name in _COUNTS},
        "labelled_domain": net.labelled_domain_,
        "history": writer.encode(_columns(net.history), f"{where}.history"),
        "beside": {
            name: writer.state(part, f"{where}.{name}")
            for name, part in _modules_beside(net).items()
            if name != _LATER or _is_trained(part)
        },
        "generators": {
            name: writer.tensor(generator.get_state(), f"{where}.{name}")
            for name, generator in _of_term(net, torch.Generator)
        },
        "optimizers": {},
        "rates": [],
    }
    if writer.optimizer:
        optimizers = [("", net.optimizer_), *_of_term(net, torch.optim.Optimizer)]
        described["optimizers"] = {
            name: writer.encode(optimizer.state_dict(), f"{where}.optimizer.{name}")
            for name, optimizer in optimizers
        }
        described["rates"] = list(net.rates_)
    return described


def _modules_beside(net: AdaptationNet) -> dict[str, nn.Module]:
    """Return the modules of a net apart from the network itself."""
    parts = parts_beside(net)
    return {name: part for name, part in parts.items() if isinstance(part, nn.Module)}


def _is_trained(criterion: nn.Module) -> bool:
    """Say whether a criterion may have a state of its own: torch's have that of the parameters."""
    of_user = (
        known_name(type(part)) is None and not type(part).__module__.startswith("skda.")
        for part in criterion.modules()
    )
    return any(of_user) and bool(criterion.state_dict())


def _of_term(net: AdaptationNet, kind: type) -> list[tuple[str, Any]]:
    """Return the generators or the optimizers that the second term owns."""
    with nullcontext() if issubclass(kind, torch.optim.Optimizer) else optimizers_on_demand():
        own = {} if net.adaptation is None else net.adaptation_.own_state()
    return [(name, value) for name, value in own.items() if isinstance(value, kind)]


def _columns(history: Any) -> dict[str, Any]:
    """Return the history of the epochs by columns, without the history of single batches."""
    names = dict.fromkeys(name for row in history for name in row if name != "batches")
    return {name: [row.get(name) for row in history] for name in names}


def make_net(reader: Reader, estimator: Any, name: str, node: Any) -> AdaptationNet:
    """Make the net `name` of an estimator, whose parameters and labels are set."""
    expect(node, dict, "a net")
    seeds = Seeds(*(expect(seed, int, "a seed") for seed in node["seeds"]))
    options = reader.decode_as(node["options"], dict, "the options of a net")
    if not set(options) <= set(_OPTIONS):
        raise ModelFileError(f"a net has the options {sorted(options)}. Save the model again")
    limit = AllocationLimit(reader.n_bytes)
    with _on_device_here(estimator), optimizers_on_demand(), limit:
        module = _network(reader, estimator, node["network"], seeds)
        _note_run(module, node["run"])
        for undo in node["undo"]:
            if undo not in (None, "softmax", "sigmoid"):
                raise ModelFileError(f"it undoes {undo!r}. Save the model again")
            module.register_forward_hook(ToOutputs(undo, estimator._n_outputs == 1))  # noqa: SLF001
        check_outputs(module, estimator, node["network"].get("outputs"))
        layers = [_layer(module, *entry) for entry in node["adapted"]]
        widths = tuple(expect(width, int, "a width") for width in node["widths"])
        if "layers" in node["network"]:
            found = widths_by_shapes(module, estimator, layers, reader.n_bytes)
        else:
            found = widths_by_rows(module, estimator, layers)
        if found != widths:
            raise ModelFileError(f"its features have widths {found}, not {widths}. Save it again")
        given = {"layers": layers, "widths": widths, "seeds": seeds, **options}
        net: AdaptationNet = estimator._assemble_net(name, module, **given)  # noqa: SLF001
    _load_states(reader, net, node)
    return net


@contextmanager
def _on_device_here(estimator: Any) -> Iterator[None]:
    """Use the CPU inside the with block if this machine lacks the estimator's device."""
    device = estimator.device
    try:
        resolve_device(device)
    except ValueError:
        warnings.warn(
            f"The model was saved with device={device!r}, which torch does not find here. It "
            "predicts on the CPU. Set the 'device' parameter before you fit it again.",
            stacklevel=2,
        )
        estimator.device = "cpu"
    try:
        yield
    finally:
        estimator.device = device


def _network(reader: Reader, estimator: Any, node: Any, seeds: Seeds) -> nn.Module:
    if "layers" in node:
        made = make_module(reader, node["layers"])
        tensors = [*made.parameters(), *made.buffers()]
        if any(t.is_floating_point() and t.dtype != torch.float32 for t in tensors):
            raise ModelFileError("its network has weights that are not float32. Save it again")
        return made
    rows = rows_of_zeros(estimator, 2)
    with isolated_rng(seeds.module, torch.device("cpu")):
        module: nn.Module = estimator._rebuild_module(rows, estimator._n_outputs)  # noqa: SLF001
    reader.load_state(module, node["state"])
    return module


def _note_run(module: nn.Module, node: Any) -> None:
    if node is None:
        return
    order, head, ends_in = node
    known = {name for name, _ in module.named_modules()}
    if not (set(order) <= known and head in {None, *known}):
        raise ModelFileError("its layers have other names than its network. Save the model again")
    vars(module)["_skda_run"] = Run(tuple(order), head, ends_in)


def _layer(module: nn.Module, name: Any, side: Any, time_first: Any) -> Layer:
    if side not in ("input", "output") or name not in dict(module.named_modules()):
        raise ModelFileError(f"its network has no layer {name!r}. Save the model again")
    return (TimeFirst if time_first else Layer)(name, side)


def _load_states(reader: Reader, net: AdaptationNet, node: dict[str, Any]) -> None:
    beside = expect(node["beside"], dict, "the modules of a net")
    modules = _modules_beside(net)
    if set(beside) | {_LATER} != set(modules) | {_LATER}:
        raise ModelFileError(f"a net has {sorted(beside)} beside its network. Save it again")
    for name, state in beside.items():
        reader.load_state(modules[name], state)
    for name, buffer in net.domain_module_.named_buffers():
        check_finite(buffer, name)
    generators = dict(_of_term(net, torch.Generator))
    for name, state in node["generators"].items():
        generators[name].set_state(reader.tensor(state))
    if node["optimizers"]:
        optimizers = {"": net.optimizer_, **dict(_of_term(net, torch.optim.Optimizer))}
        for name, state in node["optimizers"].items():
            _load_optimizer(optimizers[name], reader.decode(state))
    net.rates_ = [expect(rate, (int, float), "a learning rate") for rate in node["rates"]]
    for name in _COUNTS:
        setattr(net, name, expect(node["counts"][name], int, name))
    if node["labelled_domain"] not in ("source", "target"):
        raise ModelFileError("a net has labels of no domain. Save the model again")
    net.labelled_domain_ = node["labelled_domain"]
    columns = reader.decode_as(node["history"], dict, "the history")
    rows = zip(*columns.values(), strict=True)
    net.history_ = History({"batches": [], **dict(zip(columns, row, strict=True))} for row in rows)


_OPTION_TYPES = (bool, int, float, list, tuple, type(None))  # of an optimizer


def _load_optimizer(optimizer: torch.optim.Optimizer, state: Any) -> None:
    """Check the types and shapes of an optimizer's state, and load it."""
    fresh = optimizer.state_dict()["param_groups"]
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    all_in_one = (sum(p.numel() for p in parameters),)  # LBFGS keeps one flat tensor
    for group, own in zip(state["param_groups"], fresh, strict=True):
        # another version of torch may have an additional option, which is off
        unknown = [name for name in group if name not in own and group[name]]
        added = [name for name in own if name not in group and own[name]]
        typed = all(isinstance(value, _OPTION_TYPES) for value in group.values())
        if unknown or added or not typed:
            raise ModelFileError("its optimizer has other options. Save the model again")
        for name in group.keys() - own.keys():
            del group[name]
        group |= {name: own[name] for name in own.keys() - group.keys()}
    for index, entries in state["state"].items():
        for value in entries.values():
            shape = getattr(value, "shape", ())
            if shape not in ((), parameters[index].shape, all_in_one):
                raise ModelFileError("its optimizer is one of other weights. Save it again")
    optimizer.load_state_dict(state)
