"""Train many nets that differ in lam and in their rows as one stacked network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ...nn import batch_norm_layers
from ..data.device import move_to_device, room_on
from ..data.loader import Batch, TwoDomainLoader
from ..data.rows import DeviceRows
from ..net import AdaptationNet
from ..processes import ONE_PROCESS, together
from .layers import DROPOUTS, UnstackableError
from .networks import StackedModules, StackedNetworks, stack_networks, stack_terms
from .support import Job, check_size, check_stackable, is_of_numbers

__all__ = ["StackedNet", "TrainedTogether", "train_together"]

Batches = list[Batch]  # of each job
Place = tuple[int, int]  # number of a job, number of one of its lams


class TrainedTogether:
    """Result of `train_together`: the weights for every job and lam.

    Parameters
    ----------
    jobs : sequence of Job
    nets : sequence of StackedNet
        Trained; each model of a job and a lam is in one of them.
    """

    def __init__(self, jobs: Sequence[Job], nets: Sequence[StackedNet]) -> None:
        self.jobs = jobs
        self.places = {place: (net, i) for net in nets for i, place in enumerate(net.places)}

    def failure(self, job: int, lam: int) -> str:
        """Say why the training of a job with one of its lams failed; empty if it did not."""
        net, i = self.places[job, lam]
        return net.failures_[i]

    def load(self, job: int, lam: int) -> None:
        """Load the weights for one of a job's lams into the job's net."""
        stacked, i = self.places[job, lam]
        net = self.jobs[job].net
        net.lam = self.jobs[job].lams[lam]
        stacked.write_back(i, net)


@together(ONE_PROCESS)  # each of several processes trains all models
def train_together(
    jobs: Sequence[Job],
    epochs: int,
    *,
    of_any_size: bool = False,
    advance: Callable[[float], None] | None = None,
) -> TrainedTogether:
    """Train nets as `AdaptationNet.fit_domains` would train them one by one.

    Parameters
    ----------
    jobs : sequence of Job
        Nets with the same parameters but for lam and seeds; they are not changed.
    epochs : int
        Number of passes over the source.
    of_any_size : bool, default=False
        Whether to train networks together on a CPU even if they are too large to save time.
    advance : callable, optional
        Called after every epoch with the share of the trainings that it finished, as a number of
        trainings.

    Returns
    -------
    TrainedTogether

    Raises
    ------
    UnstackableError
        If the nets cannot be trained as one.

    Notes
    -----
    Initial weights, batches, dropout masks and steps are the same, and so is the result but for
    rounding. The results differ where rounding decides: a parameter whose true gradient is zero,
    such as a bias before a batch normalisation, has a gradient of rounding noise, which Adam scales
    up to full steps.
    """
    for job in jobs:
        check_stackable(job)
    if not of_any_size:
        check_size(jobs[0])
    # all nets of a stack take as many steps
    groups: dict[tuple[bool, int], list[Place]] = {}
    for j, job in enumerate(jobs):
        n_steps = len(_loader(job))
        for k, lam in enumerate(job.lams):
            groups.setdefault((lam > 0 or _can_ignore_target(job.net), n_steps), []).append((j, k))
    there = _on_device(jobs)
    nets = [_stack(there, places, adapts) for (adapts, _), places in groups.items()]
    for net in nets:
        net.train(epochs, advance or (lambda _: None))
    return TrainedTogether(jobs, nets)


def _on_device(jobs: Sequence[Job]) -> Sequence[Job]:
    """Return the jobs with their rows on the GPU, each array once, if all of them fit."""
    net = jobs[0].net
    moved: dict[int, DeviceRows] = {}
    if net.data_device != "auto":
        return jobs
    device = torch.device(net.device)
    room = room_on(device)
    domains = [move_to_device(job.domains, device, room, moved) for job in jobs]
    if any(there is job.domains for there, job in zip(domains, jobs, strict=True)):
        return jobs  # a batch has rows of all jobs, which must be on one device
    return [job._replace(domains=there) for job, there in zip(jobs, domains, strict=True)]


def _loader(job: Job) -> TwoDomainLoader:
    """Return a new loader, which begins with the net's first batch."""
    job.net.loader_ = None
    loader: TwoDomainLoader = job.net.get_iterator(job.domains, training=True)
    return loader


def _can_ignore_target(net: AdaptationNet) -> bool:
    """Say whether target rows may pass a net with lam 0 without an effect on its training.

    They may unless they share batch statistics or the generator of dropout masks with the source.
    """
    modules = net.module_.modules()
    drops = any(isinstance(layer, DROPOUTS) and layer.p > 0 for layer in modules)
    return not drops and (net.per_domain or not batch_norm_layers(net.module_))


def _stack(jobs: Sequence[Job], places: Sequence[Place], adapts: bool) -> StackedNet:
    """Stack nets with the same number of steps in an epoch, of which all adapt or none."""
    # so that batches of one size are neighbours
    places = sorted(places, key=lambda place: (_n_rows(jobs[place[0]]), place))
    order = list(dict.fromkeys(j for j, _ in places))
    numbers = [order.index(j) for j, _ in places]
    batches = _JobBatches([jobs[j] for j in order])
    nets = [jobs[j].net for j, _ in places]
    first = nets[0]
    rows = _rows_to_try(batches, numbers, bool(batch_norm_layers(first.module_))).to(first.device)
    modules = [net.module_ for net in nets]
    networks = stack_networks(modules, first.layers, rows, apart=first.domain_module_.apart)
    for i, net in enumerate(nets):  # those of the target may start elsewhere
        own = net.domain_module_
        with own.statistics["target"].installed(own.norms):
            networks.weights.take_statistics(i, own.plain, "target")
    term = None
    if adapts:
        with torch.no_grad():
            n_outputs = first.module_.eval()(rows[0]).shape[-1]
        term = stack_terms([net.adaptation_ for net in nets], first.widths, n_outputs)
    generators = {seed: torch.Generator() for seed in {net.seeds.training for net in nets}}
    for seed, generator in generators.items():
        generator.manual_seed(seed)
    for stacked in (networks.weights, *([] if term is None else [term])):
        drawn = stacked.draw_from([generators[net.seeds.training] for net in nets])
        networks.draws_masks = networks.draws_masks or drawn
    options = first.get_params(deep=False) | {
        "module": networks.plain,
        "adaptation": None if term is None else term.module,
        "lam": torch.tensor([jobs[j].lams[k] for j, k in places], device=first.device),
        "callbacks": "disable",
    }
    net = StackedNet(
        networks=networks,
        term=term,
        places=places,
        numbers=numbers,
        batches=batches,
        class_weights=_class_weights(nets),
        **options,
    )
    initialised: StackedNet = net.initialize()
    return initialised


def _class_weights(nets: Sequence[AdaptationNet]) -> Tensor | None:
    if getattr(nets[0].criterion_, "weight", None) is None:
        return None
    return torch.stack([net.criterion_.weight for net in nets])


class _JobBatches:
    """The jobs' batches side by side; each iteration is one epoch."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self.start_again()

    def start_again(self) -> None:
        """Begin again with the first batches of all jobs."""
        self.loaders = [_loader(job) for job in self.jobs]

    def __len__(self) -> int:
        return len(self.loaders[0])

    def __iter__(self) -> Iterator[Batches]:
        return map(list, zip(*self.loaders, strict=True))


def _rows_to_try(batches: _JobBatches, numbers: Sequence[int], normalised: bool) -> Tensor:
    """Return rows of each model's first batch, as many as in the smallest: (n_models, n, ...)."""
    first_epoch = list(batches)
    if normalised and any(n == 1 for step in first_epoch for batch in step for n in _sizes(batch)):
        raise UnstackableError("a batch has a single row, which cannot be normalised")
    sources = [batch.source for batch in first_epoch[0]]
    if any(rows.shape[1:] != sources[0].shape[1:] for rows in sources):
        # a transformer dropped a column that has no values in one fold
        raise UnstackableError("the rows of the folds have different shapes")
    smallest = min(map(len, sources))
    return torch.stack([sources[number][:smallest] for number in numbers])


class StackedNet(AdaptationNet):
    """Many nets as one: losses, lams and weights have a leading axis of models.

    Parameters
    ----------
    module : nn.Module
        The lifted network.
    networks : StackedNetworks
        Replaces the `DomainModule`.
    term : StackedModules or None
        The second terms; None where no net adapts.
    places : sequence of (int, int)
        Job and number of the lam of each model.
    numbers : sequence of int
        Number of each model's job among those of `batches`.
    batches : iterable of list of Batch
        The batches of each job, side by side.
    class_weights : Tensor of shape (n_models, n_classes) or None
        Weights of the classes in each model's cross-entropy.
    **kwargs
        As for `AdaptationNet`; `lam` is a Tensor of shape (n_models,).
    """

    lam: Any

    def __init__(
        self,
        module: nn.Module,
        *,
        networks: StackedNetworks,
        term: StackedModules | None,
        places: Sequence[Place],
        numbers: Sequence[int],
        batches: _JobBatches,
        class_weights: Tensor | None,
        **kwargs: Any,
    ) -> None:
        self.networks = networks
        self.term = term
        self.places = places
        self.numbers = numbers
        self.batches = batches
        self.class_weights = class_weights
        super().__init__(module, **kwargs)

    def train(self, epochs: int, advance: Callable[[float], None]) -> None:
        """Train all nets, and note why some failed."""
        self.failures_ = [""] * len(self.places)
        self.advance_ = lambda: advance(len(self.places) / epochs)
        with self.networks.capturing():
            self.run_epochs(self.batches, epochs)

    def train_step_single(self, batch: Batches, **fit_params: Any) -> dict[str, Any]:
        """Compute the losses of one step, and their gradients, part by part."""
        steps = []
        for part in self._parts(batch):
            self.networks.part = part
            if self.term is not None:
                self.term.select(part)
            steps.append(super().train_step_single(self._stacked(batch, part)))
        names = ("loss", "classification_loss")
        return {name: torch.cat([step[name].detach() for step in steps]) for name in names}

    def _parts(self, batches: Batches) -> Iterator[slice]:
        """Cut the stack into neighbours whose batches have the same sizes."""
        sizes = [_sizes(batch) for batch in batches]
        start = 0
        for _, same in groupby(self.numbers, key=sizes.__getitem__):
            stop = start + len(list(same))
            yield slice(start, stop)
            start = stop

    def _stacked(self, batches: Batches, part: slice) -> Batch:
        of_models = [batches[number] for number in self.numbers[part]]
        source = torch.stack([batch.source for batch in of_models])
        y_source = torch.stack([batch.y_source for batch in of_models])
        target = torch.stack([batch.target for batch in of_models]) if self.adapts else None
        return Batch(source, y_source, target, None)

    def initialize_criterion(self) -> Any:
        """Make the criterion; that of a regression returns the loss of each number."""
        super().initialize_criterion()
        if is_of_numbers(self.criterion_):
            self.criterion_.reduction = "none"
        return self

    def get_loss(self, y_pred: Tensor, y_true: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Return the loss of each model, shape (n_models_of_part,)."""
        if self.criterion_.reduction == "none":  # of a regression, see `initialize_criterion`
            losses: Tensor = self.criterion_(y_pred, y_true).flatten(1).mean(dim=1)
            return losses
        smoothing = self.criterion_.label_smoothing
        of_rows = cross_entropy(
            y_pred.flatten(0, 1), y_true.flatten(), reduction="none", label_smoothing=smoothing
        )
        of_rows = of_rows.view(y_true.shape)
        if self.class_weights is None:
            return of_rows.mean(dim=1)
        weights = self.class_weights[self.networks.part].gather(1, y_true)
        return (weights * of_rows).sum(dim=1) / weights.sum(dim=1)

    def current_lam(self) -> Tensor:
        """Return the lams of this part of the models at this step."""
        lams: Tensor = self.lam[self.networks.part] * self.lam_factor
        return lams

    def backward(self, loss: Tensor) -> None:
        """Compute the gradients of all models' losses."""
        loss.sum().backward()

    @property
    def adapts(self) -> bool:
        """Whether the second term of the loss is computed."""
        return self.term is not None

    def record_losses(self, losses: Tensor, classification_losses: Tensor) -> None:
        """Note which models diverged, and let the others go on."""
        for i in (~losses.sum(0).isfinite()).nonzero().flatten().tolist():
            if self.adapts and self.lam[i] == 0:
                raise UnstackableError("an adaptation loss became infinite where lam is 0")
            epoch = len(self.history)
            self.failures_[i] = self.failures_[i] or f"The loss became infinite in epoch {epoch}."

    def write_back(self, i: int, net: AdaptationNet) -> None:
        """Put the weights and statistics of model `i` into a net."""
        own = net.domain_module_
        self.networks.weights.write_back(i, own.plain)
        saw_target = own.apart and bool(self.lam[i] > 0)
        statistics = own.statistics["target"]
        if saw_target:
            with statistics.installed(own.norms):
                self.networks.weights.write_back(i, own.plain, "target")
        statistics.seen.fill_(saw_target)
        if self.term is not None:
            self.term.write_back(i, net.adaptation_)

    # -- skorch's seams -----------------------------------------------------------------------

    def make_domain_module(self) -> Any:
        """Return the stacked networks."""
        return self.networks

    def get_all_learnable_params(self) -> Iterator[tuple[str, Any]]:
        """Yield the stacked weights by their names in one net."""
        yield from self.networks.weights.parameters.items()
        if self.term is not None:
            yield from self.term.parameters.items()

    def check_data(self, X: Any, y: Any = None) -> None:
        """Do nothing: the jobs' rows have been checked."""

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Return the jobs' batches, from the first one on."""
        dataset.start_again()
        return dataset

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Report the progress."""
        self.advance_()


def _n_rows(job: Job) -> tuple[int, int]:
    return len(job.domains), 0 if job.domains.target is None else len(job.domains.target)


def _sizes(batch: Batch) -> tuple[int, int]:
    return len(batch.source), len(batch.target)
