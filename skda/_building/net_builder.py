"""From an estimator's parameters to a skorch net."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar, cast

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch import Tensor, nn
from torch.utils.data import DataLoader

from .._inputs.row_types import run_with_rows
from .._python_numbers import python_numbers
from ..nn import Backbone, batch_norm_layers, resolve_layers
from ..nn._scaled import ScaledInput, choose_scale, start_at, untrained_norm
from ..nn.capture import with_row_axes
from ..training import (
    LR_SCHEDULES,
    AdaptationNet,
    AdaptationTerm,
    DomainPair,
    PairwiseTerm,
    Rows,
    Seeds,
    TwoDomainLoader,
    as_rows,
    isolated_rng,
)
from ..training.data.rows import sample_rows
from ..training.processes import current_processes
from ..training.recipes.schedules import checked_schedule
from ..training.rng import Isolated
from .calling import first_run, fit_head, give_outputs, unchanged
from .criterion import check_no_clash, ready_criterion, try_criterion
from .modules import build_module, probe, resolve_device
from .outputs import Outputs
from .parameters import NetParametersMixin, check_arguments, did_you_mean

__all__ = ["NetBuilderMixin", "rates_by_name", "take_fitted_weights"]

# skorch passes on the parameters of all prefixes but these two, which are read here
_SKORCH_PREFIXES = tuple(
    f"{name}__" for name in NetParametersMixin.net_prefixes if name not in ("module", "criterion")
)
_NET_PARAMETERS = (
    "criterion",
    "optimizer",
    "lr",
    "batch_size",
    "train_split",
    "callbacks",
    "data_device",
    "compile",
    "amp",
    "cuda_graphs",
)


class NetBuilderMixin(NetParametersMixin):
    """Builds the skorch net that the constructor's parameters describe."""

    # parameters of the constructor
    module: Any
    adapt_layers: Any
    batch_stats: str
    criterion: Any
    optimizer: Any
    lr: float
    lr_schedule: Any
    n_epochs_: int
    max_epochs: Any
    batch_size: int
    random_state: Any
    device: str
    verbose: int
    # of the task
    _task_options: Any
    _criterion_options: Any
    _outputs: ClassVar[Outputs]
    _net_class: ClassVar[type[AdaptationNet]]

    @property
    def _n_sources(self) -> int:
        """Number of the sources of the fit."""
        return len(vars(self).get("source_domains_", [None]))

    @property
    def _n_outputs(self) -> int:
        raise NotImplementedError

    # the built-in network; None depends on the shape of a row
    default_module: ClassVar[type[nn.Module] | None] = None

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm | None:
        """Return the second term of the loss, for a module and adapted layers of these widths."""
        return None

    def _make_term(self, module: nn.Module, widths: Sequence[int]) -> AdaptationTerm | None:
        """Return the second term of the loss, with a term for each source if asked for."""
        made = self._make_adaptation(module, widths, self._n_outputs)
        each = getattr(self, "multi_source", "union") == "pairwise" and self._n_sources > 1
        if made is None or made.takes_sources or not each:
            return made
        make = self._make_adaptation
        others = [make(module, widths, self._n_outputs) for _ in range(1, self._n_sources)]
        return PairwiseTerm([made, *(term for term in others if term is not None)])

    def _net_options(self, module: nn.Module) -> dict[str, Any]:
        """Return further options of `AdaptationNet`."""
        return {}

    def _rows(self, data: Any, iterator: str = "iterator_train") -> Rows:
        """Wrap checked data; parameters of skorch's iterators ask for a DataLoader."""
        options = self._loader_options(iterator)
        dtype = vars(self).get("input_dtype_", torch.float32)
        centre = vars(self).get("input_centre_")
        return as_rows(data, getattr(self, iterator, None), options, dtype, centre)

    def _loader_options(self, iterator: str) -> dict[str, Any]:
        """Check the parameters of an iterator, and return those that its DataLoader gets."""
        options = self.net_params(iterator)
        for name in ("sampler", "batch_sampler"):
            if name in options:
                raise ValueError(
                    f"The '{iterator}__{name}' parameter is not possible: an epoch draws the rows "
                    "of both domains itself. Repeat the rows that shall count more."
                )
        size = options.get("batch_size", 1)
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
            raise ValueError(
                f"The '{iterator}__batch_size' parameter must be an int in the range [1, inf). Got "
                f"{size!r} instead."
            )
        options = {name: v for name, v in options.items() if name not in TwoDomainLoader.options}
        check_arguments(getattr(self, iterator, None) or DataLoader, options, iterator)
        return options

    def _make_net(self, domains: DomainPair) -> AdaptationNet:
        seeds = current_processes().of_main(Seeds.draw(check_random_state(self.random_state)))
        n_classes = self._n_outputs
        cpu = torch.device("cpu")

        def run(rows: Tensor) -> nn.Module:
            with isolated_rng(seeds.module, cpu):
                return self._make_module(rows, n_classes)

        with isolated_rng(seeds.batches, cpu) as turns:  # a Dataset may draw random numbers
            module, rows = run_with_rows(domains, run, vars(self).get("input_dtype_"))
            samples = self._fit_input(module, domains, turns)
        self.input_dtype_ = domains.source.dtype
        with isolated_rng(seeds.module, cpu):
            give_outputs(module, rows, n_classes, self._outputs)
            layers = resolve_layers(module, self.adapt_layers)
            with unchanged(module, training=False), torch.no_grad():
                layers = with_row_axes(module, layers, rows)
            widths = probe(module, rows, layers, n_classes, self._outputs)
        net = self._assemble(module, layers=layers, widths=widths, seeds=seeds)
        own = net.domain_module_
        for domain, sample in samples.items():
            if domain != "source":
                with own.statistics[domain].installed(own.norms):
                    start_at(cast(ScaledInput, module), sample, self._one_row_a_step)
        return net

    def _train_briefly(self, domains: DomainPair) -> AdaptationNet:
        """Train a net like this estimator's on the source alone, for .3 of its epochs.

        It takes at least 300 steps, but no more than all epochs have.
        """
        brief = copy.copy(self)
        for name in [name for name in vars(brief) if name.startswith("callbacks__")]:
            delattr(brief, name)
        steps = math.ceil(len(domains) / (self.batch_size * self._n_sources))
        epochs = max(math.ceil(0.3 * self.n_epochs_), math.ceil(300 / steps))
        brief.n_epochs_ = min(epochs, self.n_epochs_)
        plain = ("callbacks", "train_split", "class_weight", "target_priors")
        vars(brief).update(dict.fromkeys(plain), verbose=0, lam=0)
        alone = domains.without_target()
        net = brief._make_net(alone)  # noqa: SLF001 - a copy of self
        return net.fit_domains(alone, brief.n_epochs_)

    def _assemble(
        self, module: nn.Module, *, widths: Sequence[int], seeds: Seeds, **options: Any
    ) -> AdaptationNet:
        """Put a module and the second term of its loss into a skorch net."""
        with isolated_rng(seeds.adaptation, torch.device("cpu")):
            adaptation = self._make_term(module, widths)
            if adaptation is not None and torch.get_default_dtype() != torch.float32:
                adaptation.float()
        options = {**self._backbone_options(module), **self._net_options(module), **options}
        return self._wrap(module, adaptation=adaptation, widths=widths, seeds=seeds, **options)

    def _fit_input(
        self, module: nn.Module, domains: DomainPair, turns: Isolated
    ) -> dict[str, Tensor]:
        """Fit an untrained built-in network to its input; return a sample of each domain."""
        if not isinstance(module, ScaledInput) or untrained_norm(module) is None:
            return {}
        if isinstance(domains.source.dtype, Mapping):  # of several inputs
            return {}
        pairs = {"source": (domains.source, domains.subset)}
        # with lam=0 the network is the source-only one, to the bit
        if domains.target is not None and getattr(self, "lam", 1) > 0:
            pairs["target"] = domains.target, np.arange(len(domains.target))
        if domains.n_sources > 1 and self.batch_stats == "per_domain":
            for k in range(domains.n_sources):
                index = domains.of_source(k).subset
                if len(index):  # a fit that goes on may lack a source
                    pairs[f"source{k}"] = domains.source, index
        samples = {of: sample_rows(rows, index, turns) for of, (rows, index) in pairs.items()}
        choose_scale(module, list(samples.values()))
        start_at(module, samples["source"], self._one_row_a_step)
        return samples

    def _wrap(
        self, module: nn.Module, net_class: type[AdaptationNet] | None = None, **options: Any
    ) -> AdaptationNet:
        """Put a module into a skorch net with this estimator's parameters."""
        # a model that was saved by an older version has no n_epochs_
        n_epochs = vars(self).get("n_epochs_", self.max_epochs)
        given = {
            "lr_schedule": checked_schedule(self.lr_schedule, LR_SCHEDULES, "lr_schedule"),
            "per_domain": self.batch_stats == "per_domain",
            "device": str(resolve_device(self.device)),
            "planned_epochs": n_epochs,
            "max_epochs": n_epochs,
            # skorch prints rows; 1 is the progress bar
            "verbose": max(0, int(self.verbose) - 1) if current_processes().is_main else 0,
            **self._task_options(),
            **{name: getattr(self, name) for name in _NET_PARAMETERS},
            **self._skorch_options(),
        }
        of_user, of_task = self.net_params("criterion"), self._criterion_options()
        check_no_clash(self.criterion, of_user, of_task)
        criterion, options_of_it = ready_criterion(self.criterion, of_user | of_task)
        given |= {"criterion": criterion}
        given |= {f"criterion__{name}": value for name, value in options_of_it.items()}
        _check_optimizer(self.optimizer, module, given)
        if _can_fuse(self.optimizer, module, given):
            given.setdefault("optimizer__fused", True)
        net_class = net_class or self._net_class
        options = given | options
        for name in options:
            if name == "lr" or name.startswith("optimizer__"):
                options[name] = python_numbers(options[name])
        net: AdaptationNet = net_class(module, **options).initialize()
        if self._n_sources > 1:
            net.domain_module_.add_sources(self._n_sources)
        self._check_callback_names(net)
        self._check_batch_size(module)
        try_criterion(net, self._n_outputs, self._outputs)
        return net

    def _check_batch_size(self, module: nn.Module) -> None:
        """Raise if batches of one row would never change the running statistics."""
        tracked = [
            m for m in batch_norm_layers(module) if m._buffers.get("running_mean") is not None
        ]
        if self._one_row_a_step and tracked and not isinstance(module, ScaledInput):
            raise ValueError(
                "The 'batch_size' parameter must be at least 2 for a module that normalises by the "
                f"batch, here with {type(tracked[0]).__name__}: one row has no variance, so that "
                "its running statistics would never be learned. Got 1 instead."
            )

    @property
    def _one_row_a_step(self) -> bool:
        batch_size = self.net_params("iterator_train").get("batch_size", self.batch_size)
        return bool(batch_size == 1)

    def _check_callback_names(self, net: AdaptationNet) -> None:
        """Raise if ``callbacks__name`` names no callback; skorch would ignore it."""
        known = {name for name, _ in [*net.callbacks_, *net.get_default_callbacks()]}
        for option in self.net_params("callbacks"):
            if option.partition("__")[0] not in known:
                names = [f"callbacks__{name}" for name in known]
                raise ValueError(did_you_mean(f"callbacks__{option}", names))

    def _make_module(self, rows: Tensor, n_classes: int) -> nn.Module:
        """Build the module and run it once on `rows`."""
        module = self.default_module if self.module is None else self.module
        options = self.net_params("module")
        shape = tuple(rows.shape[1:])
        built = first_run(build_module(module, options, shape, n_classes, self._outputs), rows)
        if isinstance(built, Backbone):
            fit_head(built, rows, n_classes)
        return built

    def _backbone_options(self, module: nn.Module) -> dict[str, Any]:
        """Return the learning rates of a `Backbone`, unless the user grouped the parameters."""
        given = self.net_params("optimizer")
        if not isinstance(module, Backbone) or "param_groups" in given:
            return {}
        lr = given.get("lr", self.lr)
        return rates_by_name([(f"{module.head}.*", lr), ("network.*", lr * module.lr_ratio)])

    def _skorch_options(self) -> dict[str, Any]:
        """Return the double-underscore parameters that skorch passes on itself."""
        given = self.net_params("optimizer")
        plain = {key for key in given if not key.startswith("param_groups")}
        check_arguments(self.optimizer, plain, "optimizer")
        check_arguments(torch.compile, self.net_params("compile"), "compile")
        return {
            name: value
            for name, value in vars(self).items()
            if name.startswith(_SKORCH_PREFIXES) or name in self.net_components
        }


def rates_by_name(rates: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Return a net's option for pairs of a pattern of parameters' names and a learning rate."""
    return {"optimizer__param_groups": [(name, {"lr": rate}) for name, rate in rates]}


# torch's optimizers that take the sparse gradients of embeddings, as well as others
_SPARSE = (torch.optim.SGD, torch.optim.Adagrad)


def _check_optimizer(
    optimizer: Callable[..., Any], module: nn.Module, options: Mapping[str, Any]
) -> None:
    """Raise ValueError where an optimizer of torch cannot train the module."""
    of_torch = getattr(torch.optim, getattr(optimizer, "__name__", ""), None) is optimizer
    sparse = _has_sparse_gradients(module)
    if of_torch and ((sparse and optimizer not in _SPARSE) or optimizer is torch.optim.SparseAdam):
        raise ValueError(
            "The 'optimizer' parameter must take the gradients of all layers: of embeddings with "
            f"sparse=True only torch.optim.SGD and Adagrad do. Got {optimizer!r} instead."
        )
    if options.get("optimizer__differentiable"):
        raise ValueError(
            "The 'optimizer__differentiable' parameter must be False: the weights are trained in "
            "place, which torch cannot differentiate. Got True instead."
        )


def _has_sparse_gradients(module: nn.Module) -> bool:
    return any(getattr(layer, "sparse", False) for layer in module.modules())


def _can_fuse(optimizer: Callable[..., Any], module: nn.Module, options: Mapping[str, Any]) -> bool:
    """Say whether the optimizer can update all parameters in one call, up to 4 times faster."""
    fusible = "fused" in inspect.signature(optimizer).parameters
    fusible &= all(parameter.is_floating_point() for parameter in module.parameters())
    another_way = any(options.get(f"optimizer__{name}") for name in ("foreach", "differentiable"))
    sparse = _has_sparse_gradients(module)
    on_device = torch.device(options["device"]).type in ("cpu", "cuda")
    return fusible and on_device and not another_way and not sparse


def take_fitted_weights(net: AdaptationNet, fitted: AdaptationNet) -> None:
    """Copy the weights of the previous fit; raise ValueError if the network has changed since."""
    try:
        net.take_weights(fitted)
    except RuntimeError as error:
        reason = str(error).splitlines()[1 if "\n" in str(error) else 0].strip()
        raise ValueError(
            "The 'warm_start' parameter is True, but the weights of the previous fit do not fit "
            f"the network of the present parameters: {reason} Set the parameters back or "
            "warm_start=False."
        ) from error
