"""What skorch's callbacks need: a list of them, held-out rows, and the states that they restore."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import Any, Self, cast

import torch
from sklearn.base import is_classifier
from sklearn.utils._param_validation import Interval, RealNotInt
from skorch import NeuralNetClassifier
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    EpochTimer,
    PassthroughScoring,
    PrintLog,
)
from skorch.dataset import ValidSplit, unpack_data
from torch import Tensor, nn

from ..data.device import device_or_cpu, load_state, save_state
from ..data.domains import DomainPair
from ..data.inputs import Inputs
from ..errors import StoppedEarly
from ..late_optimizer import LateOptimizer
from ..processes import Processes, current_processes

__all__ = [
    "SPLITS",
    "CallbackNet",
    "as_callbacks",
    "as_split",
    "parts_beside",
    "put_back",
    "state_beside",
]

# numbers that `train_split` may be: a share of the source rows, or a number of folds
SPLITS = (
    Interval(RealNotInt, 0, 1, closed="neither"),
    Interval(Integral, 2, None, closed="left"),
)

# the callbacks that a net has by default do not listen to single steps
_OF_AN_EPOCH = (EpochTimer, PrintLog)
_OF_A_STEP = ("on_batch_begin", "on_grad_computed", "on_batch_end")

_SCORES = (BatchScoring, EpochScoring, PassthroughScoring)
_PRINT = PrintLog().sink


class _PrintLog(PrintLog):
    """skorch's table of losses, laid out only where it is printed.

    A pickle leaves out the `print` that skorch took as the sink: where a package has since replaced
    that function, as Ray does, it cannot be pickled.
    """

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        if net.verbose or self.sink is not _PRINT:
            super().on_epoch_end(net, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not _PRINT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({"sink": _PRINT} | state)


def as_callbacks(given: Any) -> Any:
    """Return the parameter `callbacks` as skorch takes it: a list, also of a single callback."""
    if given is None or isinstance(given, str):
        return given
    named = isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str)
    listed = list(given) if isinstance(given, (list, tuple)) and not named else [given]
    for item in listed:
        callback = item[1] if isinstance(item, tuple) and len(item) == 2 else item
        is_one = issubclass if isinstance(callback, type) else isinstance
        if callback is not None and not is_one(callback, Callback):
            raise ValueError(
                "The 'callbacks' parameter must be None, 'disable', or a list of skorch callbacks "
                f"or of (name, callback). Got {item!r} in it instead."
            )
    return listed


def as_split(given: Any, seed: int, stratified: bool = True) -> Any:
    """Return the parameter `train_split` as skorch takes it; a number becomes a stratified split.

    Examples
    --------
    >>> as_split(5, seed=0).cv
    5
    """
    if given is None or callable(given):
        return given
    if isinstance(given, Integral):
        return ValidSplit(int(given), stratified=stratified)
    return ValidSplit(float(given), stratified=stratified, random_state=seed)


def _check_monitors(net: Any, own: set[str]) -> None:
    """Refuse a callback of the user that needs scores of held-out rows where there are none."""
    if net.train_split:
        return
    users = {name: callback for name, callback in net.callbacks_ if name not in own}
    scores = [cb for cb in users.values() if isinstance(cb, _SCORES) and not cb.on_train]
    for name, callback in users.items():
        monitor = getattr(callback, "monitor", None)
        waits = isinstance(monitor, str) and monitor.startswith("valid_")
        if waits or callback in scores:
            what = f"monitor={monitor!r}" if waits else "on_train=False"
            instead = "monitor='train_loss'" if waits else "on_train=True"
            raise ValueError(
                f"The callback {name!r} has {what}, a score of held-out rows, but "
                "'train_split' is None: none are held out. Pass train_split=0.2 to hold out a "
                f"fifth of the source rows, or give the callback {instead}."
            )


def _took_weights(callback: Any, net: Any) -> bool:
    """Say whether a callback kept the weights of the epoch that has just ended."""
    if isinstance(callback, EarlyStopping):
        return bool(callback.load_best and callback.best_epoch_ == net.history[-1, "epoch"])
    return isinstance(callback, Checkpoint) and callback.load_best and net.saved_


def parts_beside(net: Any) -> dict[str, Any]:
    """Return what has a state in a net, apart from its module: criterion, second term, optimizer.

    Checkpoints and model files keep the states of these parts.
    """
    return {
        name: value
        for name, value in vars(net).items()
        if name != "module_" and name.endswith("_") and hasattr(value, "state_dict")
    }


def state_beside(net: Any) -> dict[str, Any]:
    """Return a copy of the state of a net at this step, without the weights of its module."""
    states = {name: part.state_dict() for name, part in parts_beside(net).items()}
    return copy.deepcopy({"states": states, "term": _own_state(net), "step_": net.step_})


def put_back(net: Any, kept: dict[str, Any]) -> None:
    """Restore the state that `state_beside` returned."""
    for name, state in kept["states"].items():
        getattr(net, name).load_state_dict(state)
    for name, state in kept["term"].items():
        stateful = net.adaptation_.own_state()[name]
        load = stateful.set_state if isinstance(stateful, torch.Generator) else None
        (load or stateful.load_state_dict)(state)
    net.step_ = kept["step_"]


def _own_state(net: Any) -> dict[str, Any]:
    """Return the states of the term's own optimizers and generators."""
    own = {} if net.adaptation is None else net.adaptation_.own_state()
    return {
        name: value.get_state() if isinstance(value, torch.Generator) else value.state_dict()
        for name, value in own.items()
    }


class CallbackNet(LateOptimizer, NeuralNetClassifier):
    """Where the net departs from skorch: callbacks, names of parameters, predictions, pickles."""

    # set in each epoch: whether a callback may look at single steps
    watched_ = False
    # where the next training saves its state, and the state that its loader begins with
    checkpoint_: Any = None
    loader_state_: Any = None
    # set by the net
    kept_: dict[str, Any]
    seeds: Any
    domain_module_: Any
    labelled_domain_: str
    adaptation: Any
    adaptation_: Any
    tuner_: Any

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        # the scores that skorch collects batch by batch cost more than a step of a small net
        if not (self.callbacks or self.train_split):
            return [("epoch_timer", EpochTimer()), ("print_log", _PrintLog())]
        default = dict(super()._default_callbacks)
        return list((default | {"print_log": _PrintLog()}).items())

    def is_watched(self) -> bool:
        """Say whether a callback may look at single steps."""
        return any(not isinstance(callback, _OF_AN_EPOCH) for _, callback in self.callbacks_)

    def get_split_datasets(self, X: Any, y: Any = None, **fit_params: Any) -> tuple[Any, Any]:
        """Hold out source rows where the user asked for it; the target stays whole."""
        if not (isinstance(X, DomainPair) and self.train_split):
            return X, None
        split = as_split(self.train_split, self.seeds.batches, is_classifier(self))
        try:
            train, valid = split(X, X.y_source[X.subset], **fit_params)
        except ValueError as error:  # of scikit-learn's splitter
            raise ValueError(f"train_split: {error}") from error
        held_in = getattr(train, "indices", None)
        return (X if held_in is None else X.only(held_in)), valid

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Call the callbacks; in single steps only where one may look at them."""
        if not self.watched_ and method_name in _OF_A_STEP:
            return
        getattr(self, method_name)(self, **cb_kwargs)
        stopped = False
        for name, callback in self.callbacks_:
            self.saved_ = False
            try:
                getattr(callback, method_name)(self, **cb_kwargs)
            except KeyboardInterrupt:
                # skorch's EarlyStopping ends the training by it; any other is the user's Ctrl-C
                if not isinstance(callback, EarlyStopping):
                    raise
                stopped = True
                break
            except KeyError as error:
                monitor = getattr(callback, "monitor", None)
                if not isinstance(monitor, str) or monitor not in str(error):
                    raise
                recorded = sorted(key for key in self.history[-1] if key != "batches")
                raise ValueError(
                    f"The callback {name!r} has monitor={monitor!r}, which this training does not "
                    f"record. Recorded are {recorded}."
                ) from error
            if method_name == "on_epoch_end" and _took_weights(callback, self):
                self.kept_[name] = state_beside(self)
            elif method_name == "on_train_end" and name in self.kept_:
                put_back(self, self.kept_.pop(name))
        if method_name != "on_epoch_end":
            return
        if self.processes.any(stopped):
            raise StoppedEarly
        if (
            self.checkpoint_ is not None
            and self.processes.is_main
            and self.checkpoint_.is_due(self)
        ):
            self.checkpoint_.save(self)

    def save_params(self, *args: Any, **kwargs: Any) -> None:
        """Save as skorch does, and note it: `notify` then keeps the state beside the weights."""
        if self.processes.is_main:
            super().save_params(*args, **kwargs)
        self.saved_ = True

    def load_params(self, *args: Any, **kwargs: Any) -> None:
        """Load as skorch does, once the main process has saved."""
        self.processes.wait()
        super().load_params(*args, **kwargs)

    def initialize_callbacks(self) -> Self:
        """Set the callbacks; refuse those that need scores which this training does not compute."""
        super().initialize_callbacks()
        _check_monitors(self, {name for name, _ in self._default_callbacks})
        return self

    def initialize_criterion(self) -> Self:
        """Set the criterion; an error names the parameter."""
        try:
            super().initialize_criterion()
        except (RuntimeError, TypeError, ValueError) as error:
            raise ValueError(
                "The 'criterion' parameter must be a class of loss module, which its criterion__* "
                f"make one, or a loss function (outputs, y). Got {self.criterion!r}: {error}"
            ) from error
        return self

    def initialize_optimizer(self, *args: Any, **kwargs: Any) -> Self:
        """Set the optimizer; an error names the parameter."""
        try:
            super().initialize_optimizer(*args, **kwargs)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"The 'optimizer' parameter, with its optimizer__*, is not possible: {error}"
            ) from error
        return self

    def infer(self, x: Any, **fit_params: Any) -> Tensor:
        """Return the logits of rows of the labelled domain, for skorch's own predictions."""
        logits: Tensor = self.domain_module_(self._as_batch(x), self.labelled_domain_).logits
        return logits

    def _as_batch(self, x: Any) -> Any:
        """Return rows from skorch's loader in the types of the module, on its device."""
        x = self._to_device(Inputs(**x) if isinstance(x, Mapping) else x)
        return x.float() if isinstance(x, Tensor) and x.is_floating_point() else x

    def transform(self, X: Any, domain: str | None = None) -> Any:
        """Return the adapted features, for callbacks: shape (n_rows, d)."""
        features = []
        for batch in self.get_iterator(self.get_dataset(X), training=False):
            with torch.no_grad(), self.domain_module_.capturing(compiled=False):
                self._set_training(False)
                rows = self._as_batch(unpack_data(batch)[0])
                output = self.domain_module_(rows, domain or self.labelled_domain_)
            features.append(torch.cat(output.features, dim=1).cpu())
        return torch.cat(features).numpy()

    def predict_proba(self, X: Any, domain: str | None = None) -> Any:
        """Return class probabilities, for callbacks; by default of rows of the labelled domain."""
        before = self.labelled_domain_
        # with EpochScoring's cache, skorch would return the outputs of the held-out rows
        cache = None if domain is None else self.__dict__.pop("forward_iter", None)
        self.labelled_domain_ = domain or before
        try:
            return super().predict_proba(X)
        finally:
            self.labelled_domain_ = before
            if cache is not None:
                self.__dict__["forward_iter"] = cache

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes; off the CPU saved so that they load on another device."""
        state = vars(self).copy()
        on_cpu = torch.device(self.device).type == "cpu"
        return state if on_cpu else {"device": self.device, "saved": save_state(state)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a state of either kind; on the CPU if its device is not here."""
        if "saved" in state:
            device = device_or_cpu(state["device"])
            state = load_state(state["saved"], device) | {"device": device}
        self.__dict__.update(state)

    def get_all_learnable_params(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield the parameters by their names in the user's module, which may be compiled."""
        term = () if self.adaptation is None else self.adaptation_.own_parameters()
        left_alone = {id(parameter) for parameter in term}
        for name, parameter in super().get_all_learnable_params():
            if id(parameter) not in left_alone:
                yield name.removeprefix("_orig_mod."), parameter

    def _zero_grad_optimizer(self, set_to_none: bool | None = None) -> None:
        # the optimizer's own method does the same, but takes ten times as long, by its profiling
        for group in self.optimizer_.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def _to_device(self, tensor: Any) -> Any:
        return tensor.to(self.device, non_blocking=True)

    @property
    def processes(self) -> Processes:
        """The processes that share the training."""
        return current_processes()

    def take_weights(self, other: CallbackNet) -> None:
        """Copy weights, buffers and statistics from a net of the same architecture."""
        for name in self._modules:
            given = getattr(other, f"{name}_", None)
            if given is not None:
                getattr(self, f"{name}_").load_state_dict(given.state_dict())

    def torch_compile(self, module: nn.Module, name: str) -> nn.Module:
        """Compile the user's module alone."""
        if name != "module":
            return module
        compiled: nn.Module = super().torch_compile(module, name)
        if compiled is not module:
            self.domain_module_.use(compiled)
        return compiled

    @property
    def plain_module(self) -> nn.Module:
        """The user's module, also where skorch compiled it."""
        return cast(nn.Module, self.domain_module_.plain)

    @property
    def trained_modules(self) -> list[nn.Module]:
        """The modules that have weights or running statistics."""
        return [getattr(self, f"{name}_") for name in self._modules]

    @property
    def domain_stats_(self) -> nn.Module:
        """The target's batch statistics."""
        return cast(nn.Module, self.domain_module_.statistics["target"])
