"""Base of all estimators: their parameters, and `fit` as begin and train."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metadata_routing import UNUSED
from skorch.callbacks import Callback
from torch import nn
from torch.utils.data import Dataset

from .._building.net_builder import NetBuilderMixin, take_fitted_weights
from .._html import FittedDiagramMixin
from .._inputs.datasets import dataset_labels, refuse_containers
from .._inputs.sources import SourceRows, join_sources
from .._inputs.validation import check_rows, fitted_state_kept, unwrap
from .._inputs.weights import weigh_rows
from .._versioned import VersionedMixin
from ..io._mixin import NetStoreMixin
from ..nn._copy import WithoutGraph
from ..training import LR_SCHEDULES, AdaptationNet, DomainPair, average_with_start
from ..training.modes import training_modes
from ..training.watch.callbacks import SPLITS
from ..training.watch.progress import FitProgress
from ._first_stage import first_stage
from ._going_on import GoingOnMixin
from ._input import InputMixin
from ._prediction import NetPredictionMixin

__all__ = ["DomainEstimator"]


class DomainEstimator(
    InputMixin,
    GoingOnMixin,
    NetPredictionMixin,
    NetStoreMixin,
    NetBuilderMixin,
    FittedDiagramMixin,
    VersionedMixin,
    BaseEstimator,
):
    """Base of all deep estimators: a scikit-learn estimator that owns a skorch net.

    It is independent of the task. A `ClassificationTask` makes it a classifier, a `RegressionTask`
    a regressor.

    Parameters
    ----------
    module : nn.Module class or instance, callable, or None, default=None
        Network that returns logits of shape (n_rows, n_classes). Where its constructor asks for
        `n_features`, `n_channels` or `n_classes`, these are filled in; an instance is copied, in
        float32, and never trained in place; ``module__*`` needs a class. For two classes one logit
        is enough; of a tuple the first element is used, with a warning, and probabilities become
        logits. None is `skda.nn.MLP`, for images `skda.nn.ConvNet`, for series `skda.nn.ConvNet1d`.
    adapt_layers : str, list of str or None, default=None
        Layers whose output is adapted and returned by `transform`, named as in
        ``module.named_modules()``. None is the module's attribute ``adapt_layers``, or, without
        one, the input of the ``nn.Linear`` that computes the logits.
    batch_stats : {"per_domain", "joint"}, default="per_domain"
        Whether batch normalisation has statistics for each domain or for both together.
    adapt_batch_norm : bool, default=False
        Re-estimate the target's batch statistics on all of `X_target` after training (AdaBN).
    criterion : class of loss module, or loss function (logits, y)
        Loss of the task on the network's outputs.
    optimizer : class of torch optimizer, default=torch.optim.Adam
        Its options are parameters like ``optimizer__weight_decay``.
    lr : float, default=1e-3
        Learning rate.
    lr_schedule : {"constant", "inverse_decay"} or callable, default="constant"
        Factor of the learning rate as a function of the progress p in [0, 1];
        "inverse_decay" is (1 + 10 p)^-0.75.
    max_epochs : int or "auto", default="auto"
        Passes over the source. "auto" is as many as make 1000 steps, from 20 to 200: in batches of
        64, 200 for up to 320 rows, 63 for 1000, 20 from 3200 on. ``n_epochs_`` says how many.
    batch_size : int, default=64
        Rows of each domain in a step, at most.
    train_split : None, float, int or skorch.dataset.ValidSplit, default=None
        Source rows to hold out: none, a share, or one of so many folds (both stratified).
    callbacks : None, "disable", skorch callback or list of them, default=None
        Callbacks of the training. ``load_best`` restores all that was trained.
    warm_start : bool, default=False
        Start `fit` from the weights of the previous fit.
    checkpoint : path of a folder or None, default=None
        Where `fit` saves its state after each epoch. With the same data and parameters, a new `fit`
        goes on from there, on a CPU to the same bits. It needs an int as `random_state`.
        `partial_fit` has no checkpoints.
    checkpoint_every : int, default=1
        Epochs from one checkpoint to the next; the last epoch of each stage is always saved.
    random_state : int, RandomState or None, default=None
        Fixes weights, batches and dropout. Global generators are not used (numpy's with an int).
    device : str, default="auto"
        "auto" is cuda or mps where there is one, else cpu.
    data_device : {"auto", "cpu"}, default="auto"
        Where the rows are kept. "auto" moves float32 or uint8 arrays to a GPU if both domains fit
        into half of its free memory; otherwise each batch is moved.
    compile : bool, default=False
        Whether to compile the module with ``torch.compile``.
    amp : {"bf16"} or None, default=None
        Precision of the module's matrix products; weights, losses and results stay float32.
    cuda_graphs : bool, default=False
        Whether a GPU records a step once and replays it: small networks train several times faster.
        The module must do the same in each step: its Python code runs in the recording only.
    verbose : int, default=0
        1 shows a progress bar with both losses, lam and the time left; without a terminal or
        notebook, one line at the end; in the workers of joblib, nothing. 2 prints a row of losses
        per epoch instead, like skorch.
    **params
        Parameters of skorch's components: ``module__hidden``, ``optimizer__param_groups``,
        ``criterion__label_smoothing``, ``iterator_train__num_workers``, ...
    """

    # whether the training has stages, so that a search cannot train many models as one
    trains_in_stages: ClassVar[bool] = False

    # of the task
    _encode_source: Any
    _encode_target: Any
    _prepare_labels: Callable[..., DomainPair]

    # what scikit-learn's routing passes without a request
    __metadata_request__fit: ClassVar = {
        "X_target": True,
        "y_target": True,
        "sample_weight": True,
        "source_domain": True,
        "X_source": UNUSED,
        "y_source": UNUSED,
    }
    __metadata_request__partial_fit: ClassVar = __metadata_request__fit

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "module": [callable, nn.Module, None],
        "adapt_layers": [str, list, tuple, None],
        "batch_stats": [StrOptions({"per_domain", "joint"})],
        "adapt_batch_norm": ["boolean"],
        "criterion": [callable, nn.Module],
        "optimizer": [callable],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [StrOptions(set(LR_SCHEDULES)), callable],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "train_split": [None, callable, *SPLITS],
        "callbacks": [None, list, tuple, Callback, type, StrOptions({"disable"})],
        "warm_start": ["boolean"],
        "checkpoint": [str, os.PathLike, None],
        "checkpoint_every": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "device": [str],
        "data_device": [StrOptions({"auto", "cpu"})],
        "compile": ["boolean"],
        "amp": [StrOptions({"bf16"}), None],
        "cuda_graphs": ["boolean"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        module: type[nn.Module] | nn.Module | Callable[..., nn.Module] | None = None,
        *,
        adapt_layers: str | Sequence[str] | None = None,
        batch_stats: str = "per_domain",
        adapt_batch_norm: bool = False,
        criterion: Callable[..., nn.Module],
        optimizer: type[torch.optim.Optimizer] = torch.optim.Adam,
        lr: float = 1e-3,
        lr_schedule: str | Callable[[float], float] = "constant",
        max_epochs: int | str = "auto",
        batch_size: int = 64,
        train_split: Any = None,
        callbacks: Any = None,
        warm_start: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int = 1,
        random_state: Any = None,
        device: str = "auto",
        data_device: str = "auto",
        compile: bool = False,
        amp: str | None = None,
        cuda_graphs: bool = False,
        verbose: int = 0,
        **params: Any,
    ) -> None:
        self.module = module
        self.adapt_layers = adapt_layers
        self.batch_stats = batch_stats
        self.adapt_batch_norm = adapt_batch_norm
        self.criterion = criterion
        self.optimizer = optimizer
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.train_split = train_split
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.random_state = random_state
        self.device = device
        self.data_device = data_device
        self.compile = compile
        self.amp = amp
        self.cuda_graphs = cuda_graphs
        self.verbose = verbose
        self._store_net_params(params)

    def __sklearn_clone__(self) -> Self:
        """Clone, also with a module that ``copy.deepcopy`` refuses, such as a pruned one."""
        with WithoutGraph():
            cloned: Self = super().__sklearn_clone__()
        return cloned

    def _needs_target(self) -> bool:
        return bool(self.adapt_batch_norm)

    def fit(
        self,
        X_source: Any,
        y_source: Any,
        X_target: Any = None,
        *,
        y_target: Any = None,
        sample_weight: Any = None,
        source_domain: Any = None,
    ) -> Self:
        """Train on labelled source rows and on target rows with few labels or none.

        Parameters
        ----------
        X_source : array-like, frame, sparse matrix, tensor or Dataset of shape (n_source, ...)
            Tables (n, n_features), series (n, n_channels, length), images (n, n_channels, height,
            width) in float or uint8, or a torch Dataset of rows or of (row, label) pairs. Batches
            are cast to float32, or integers to int64 if the module needs them, for instance to
            embed them. A dict of these, or a Dataset of dicts, is for a module that takes several
            inputs by name (scikit-learn's searches need a `skorch.helper.SliceDict`).
            A column that float32 cannot hold, such as times of 1.7e9, is centred: `input_centre_`,
            the source's mean in float64 (0 for other columns), is subtracted from all rows.
            A list of arrays of two or more axes, with a list of as many arrays of labels as
            `y_source`, holds several sources (see `source_domain`).
        y_source : array-like of shape (n_source,) or None
            Labels: int, str or bool; of a regressor, numbers of shape (n_source,) or (n_source,
            n_outputs). None takes them from a Dataset of pairs.
        X_target : same kinds as `X_source`, of shape (n_target, ...), or None
            Target rows, of any number. The columns of a frame are matched by name, here and in
            every prediction. A tuple of one array is the same as the array: scikit-learn's
            cross-validation cuts an array with as many rows as the source into folds, but passes a
            tuple whole.
        y_target : array-like of shape (n_target,) or None
            Labels of some target rows, -1 (numbers) or None / NaN (objects) elsewhere; of a
            regressor, like `y_source`, with NaN elsewhere. The mean loss of the labelled rows of a
            batch is added to that of the source rows: a single one weighs as much as all of these.
        sample_weight : array-like of shape (n_source,) or None
            How often a source row is drawn, for all losses. Whole numbers are the same as repeated
            rows (with up to ten times the rows); others are relative to each other. With several
            sources, they are weights within each source, in one array or a list of arrays.
        source_domain : array-like of shape (n_source,), of str or int, or None
            Where the source rows come from several domains: the name of the domain of each row,
            or, if `X_source` is a list, of each item (None numbers these from 0). A step has
            `batch_size` rows of each source on average, whatever their sizes, and an epoch as many
            source rows as there are. With ``batch_stats="per_domain"`` each source has its own
            batch statistics, which ``predict(X, domain=name)`` uses; those of "source" are a
            mixture. `multi_source` says what is compared with the target.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or an array is invalid or the loss diverges. The previous fit is kept.
        """
        with fitted_state_kept(self), training_modes():
            domains = self.begin(
                X_source,
                y_source,
                X_target,
                y_target=y_target,
                sample_weight=sample_weight,
                source_domain=source_domain,
            )
            self._look_before_training(domains)
            with self._progress(sum(self._epochs_of_stages(domains))):
                self._train(domains)
        return self

    def _look_before_training(self, domains: DomainPair) -> None:
        """Warn where the domains show that adapting may do harm."""

    def begin(
        self,
        X_source: Any,
        y_source: Any,
        X_target: Any = None,
        *,
        y_target: Any = None,
        sample_weight: Any = None,
        source_domain: Any = None,
    ) -> DomainPair:
        """Do all of `fit` except the training: check the input and build the net.

        Parameters
        ----------
        X_source, y_source, X_target, y_target, sample_weight, source_domain
            As in `fit`.

        Returns
        -------
        DomainPair
            The rows that are to train `net_`. A search trains many nets together.
        """
        go_on = self.warm_start and hasattr(self, "net_")
        source = join_sources(X_source, y_source, source_domain, sample_weight)
        rows = self._check_input(source, X_target, y_target, go_on)
        self._settle_epochs(rows)
        domains = self._prepare_labels(rows)
        net = self._make_net(domains)
        if go_on:
            self._start_from_fit(net)
        if self.checkpoint is not None:
            net.checkpoint_ = first_stage(self, net, domains)
        self.net_ = net
        self._trained_with = self.get_params(deep=False)
        return domains

    def _start_from_fit(self, net: AdaptationNet) -> None:
        """Give a new net the weights of the previous fit, for ``warm_start=True``."""
        take_fitted_weights(net, self._net_of("source"))

    def _check_input(
        self, source: SourceRows, X_target: Any, y_target: Any, go_on: bool, classes: Any = None
    ) -> DomainPair:
        self._validate_params()
        for iterator in self.net_components:
            self._loader_options(iterator)
        rows, y_source = check_rows(self, source.X, "X_source", reset=not go_on), source.y
        if y_source is None and isinstance(rows, Dataset):
            y_source = dataset_labels(rows, numbers=not self._outputs.are_logits)
        rows = self._rows(rows)
        y_source = self._encode_source(y_source, len(rows), go_on, classes)
        X_target, y_target = unwrap(X_target, "X_target"), unwrap(y_target, "y_target")
        domains = DomainPair(rows, y_source)
        if source.sample_weight is not None:
            domains = weigh_rows(domains, source.sample_weight)
        domains = self._tell_sources_apart(domains, source.source_domain, go_on)
        if X_target is None:
            self._check_no_target(y_target)
            return domains
        refuse_containers(X_target, "X_target")
        target = self._rows(check_rows(self, X_target, "X_target"))
        if y_target is not None:
            y_target = self._encode_target(y_target, len(target))
        return domains.replace(target=target, y_target=y_target)

    def _progress(self, epochs: int) -> FitProgress:
        return FitProgress(epochs, self.verbose == 1, type(self).__name__)

    def _epochs_of_stages(self, domains: DomainPair) -> list[int]:
        """Return the number of epochs of each training in a fit."""
        return [self.n_epochs_]

    def _train(self, domains: DomainPair) -> None:
        """Train the net that `begin` built; a method with stages of its own overrides it."""
        average_with_start(self.net_.fit_domains(domains, self.n_epochs_))
        self._adapt_statistics(domains)

    def _adapt_statistics(self, domains: DomainPair) -> None:
        if self.adapt_batch_norm:
            self.net_.reestimate_target_statistics(domains)
