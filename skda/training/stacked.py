"""Train many nets, which differ in lam and in their rows, as one stacked network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ..nn import batch_norm_layers, reverse_gradient
from .adaptation import Adversary
from .batches import Batch, TwoDomainLoader
from .net import AdaptationNet
from .stackable import Job, check_size, check_stackable
from .stacked_losses import StackedDistance, stacked_distance, stacked_domain_bce
from .stacked_modules import StackedNetworks, UnstackableError, stack_networks

__all__ = ["TrainedTogether", "train_together"]

Batches = list[Batch]  # of each job
Features = tuple[Tensor, ...]


class TrainedTogether:
    """What `train_together` found: one set of weights for every job and lam.

    Parameters
    ----------
    jobs : sequence of Job
    stacks : sequence of stacks
        Trained; each model of a job and a lam is in one of them.
    """

    def __init__(self, jobs: Sequence[Job], stacks: Sequence[_Stack]) -> None:
        self.jobs = jobs
        self.places = {place: (s, i) for s in stacks for i, place in enumerate(s.places)}

    def failure(self, job: int, lam: int) -> str:
        """Say why the training of a job with its lam of this number failed; empty if it did not."""
        stack, i = self.places[job, lam]
        return stack.failures[i]

    def load(self, job: int, lam: int) -> None:
        """Put the weights of a job's lam into the job's net, in the place of what is there."""
        stack, i = self.places[job, lam]
        net = self.jobs[job].net
        net.lam = self.jobs[job].lams[lam]
        stack.write_back(i, net)


def train_together(
    jobs: Sequence[Job],
    epochs: int,
    *,
    of_any_size: bool = False,
    advance: Callable[[float], None] = lambda trainings: None,
) -> TrainedTogether:
    """Train nets as `AdaptationNet.fit_domains` would train them one by one.

    Parameters
    ----------
    jobs : sequence of Job
        Nets with the same parameters but for lam and seeds; they are left as they are.
    epochs : int
        Passes over the source.
    of_any_size : bool, default=False
        Whether to train together, on a CPU, also networks so large that it saves no time.
    advance : callable, optional
        Told after every epoch how many trainings it was worth.

    Returns
    -------
    TrainedTogether

    Raises
    ------
    UnstackableError
        If they cannot be trained as one.

    Notes
    -----
    Same initial weights, batches and steps, and the same result but for rounding. Where rounding
    decides, the results part: a parameter whose true gradient is zero, such as a bias in front of
    a batch normalisation, has a gradient of rounding noise, which Adam scales up to full steps.
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
    stacks = [_Stack(jobs, places, adapts) for (adapts, _), places in groups.items()]
    for stack in stacks:
        stack.train(epochs, advance)
    return TrainedTogether(jobs, stacks)


def _loader(job: Job) -> TwoDomainLoader:
    """Return a loader that starts with the net's first batch."""
    job.net.loader_ = None
    loader: TwoDomainLoader = job.net.get_iterator(job.domains, training=True)
    return loader


def _can_ignore_target(net: AdaptationNet) -> bool:
    """Say whether a net with lam 0 may pass target rows, and train as if it had not.

    It may unless they share batch statistics with the source: the rest has the weight 0.
    """
    return net.per_domain or not batch_norm_layers(net.module_)


Place = tuple[int, int]  # number of a job, number of one of its lams


class _Stack:
    """Nets with the same number of steps an epoch, all adapting or none, as one network."""

    def __init__(self, jobs: Sequence[Job], places: Sequence[Place], adapts: bool) -> None:
        # so that batches of one size are neighbours
        self.places = sorted(places, key=lambda place: (_n_rows(jobs[place[0]]), place))
        self.jobs = {j: jobs[j] for j, _ in self.places}
        self.numbers = [list(self.jobs).index(j) for j, _ in self.places]
        self.adapts = adapts
        self.failures = [""] * len(places)
        nets = [jobs[j].net for j, _ in self.places]
        self.first = nets[0]
        self.device = torch.device(self.first.device)
        self.lams = torch.tensor([jobs[j].lams[k] for j, k in self.places], device=self.device)
        norms = batch_norm_layers(self.first.module_)
        self.apart = self.first.per_domain and bool(norms)

        first_epoch = list(self._batches(self._loaders()))
        if norms and any(n == 1 for step in first_epoch for b in step for n in _sizes(b)):
            raise UnstackableError("a batch has a single row, which cannot be normalised")
        smallest = min(len(batch.source) for batch in first_epoch[0])
        rows = self._gather([batch.source[:smallest] for batch in first_epoch[0]], self.numbers)
        modules = [net.module_ for net in nets]
        self.modules = stack_networks(modules, self.first.layers, rows)
        self.discriminators: StackedNetworks | None = None
        self.distance: StackedDistance | None = None
        if adapts and isinstance(self.first.adaptation_, Adversary):
            own = [net.adaptation_.discriminator for net in nets]
            numbers = torch.Generator().manual_seed(0)
            features = torch.randn(len(own), 4, sum(self.first.widths), generator=numbers)
            self.discriminators = stack_networks(own, [], features.to(self.device))
        elif adapts:
            self.distance = stacked_distance(self.first.adaptation_.distance)
        self.optimizer = self._make_optimizer()

    def _loaders(self) -> list[TwoDomainLoader]:
        return [_loader(job) for job in self.jobs.values()]

    @staticmethod
    def _batches(loaders: list[TwoDomainLoader]) -> Iterator[Batches]:
        """Iterate over the jobs' batches side by side, for one epoch."""
        return map(list, zip(*loaders, strict=True))

    def _make_optimizer(self) -> torch.optim.Optimizer:
        """Return the nets' optimizer, with the stacked weights in the place of theirs."""
        own = self.first
        stacked = {
            id(p): self.modules.parameters[name] for name, p in own.module_.named_parameters()
        }
        if self.discriminators is not None:
            for name, p in own.adaptation_.discriminator.named_parameters():
                stacked[id(p)] = self.discriminators.parameters[name]
        # source-only nets have an adaptation as well, which is not trained
        groups = [
            {**group, "params": [stacked[id(p)] for p in group["params"] if id(p) in stacked]}
            for group in own.optimizer_.param_groups
        ]
        optimizer: torch.optim.Optimizer = type(own.optimizer_)([g for g in groups if g["params"]])
        return optimizer

    def train(self, epochs: int, advance: Callable[[float], None]) -> None:
        """Train all nets; note why one failed."""
        loaders = self._loaders()
        planned = self.first.planned_epochs * len(loaders[0])
        step = 0
        for epoch in range(1, epochs + 1):
            losses = torch.zeros(len(self.places), device=self.device)
            for batches in self._batches(loaders):
                losses += self._step(batches, min(1.0, step / planned))
                step += 1
            for i in (~losses.isfinite()).nonzero().flatten().tolist():
                if self.adapts and self.lams[i] == 0:
                    raise UnstackableError("an adaptation loss became infinite where lam is 0")
                self.failures[i] = self.failures[i] or f"The loss became infinite in epoch {epoch}."
            advance(len(self.places) / epochs)

    def _step(self, batches: Batches, progress: float) -> Tensor:
        factor = self.first.lr_schedule(progress)
        for group in self.optimizer.param_groups:
            group["lr"] = factor * group.setdefault("initial_lr", group["lr"])
        self.optimizer.zero_grad()
        losses = []
        for part in self._parts(batches):
            loss = self._loss(part, batches, progress)
            loss.sum().backward()
            losses.append(loss.detach())
        self.optimizer.step()
        return torch.cat(losses)

    def _parts(self, batches: Batches) -> Iterator[slice]:
        """Cut the stack into neighbours whose batches have the same sizes."""
        sizes = [_sizes(batch) for batch in batches]
        start = 0
        for _, same in groupby(self.numbers, key=sizes.__getitem__):
            stop = start + len(list(same))
            yield slice(start, stop)
            start = stop

    def _loss(self, part: slice, batches: Batches, progress: float) -> Tensor:
        """Return the loss of every model of a part, shape (n_models_of_part,)."""
        numbers = self.numbers[part]
        source = self._gather([batch.source for batch in batches], numbers)
        y = self._gather([batch.y_source for batch in batches], numbers)
        if not self.adapts:
            return self._criterion(self.modules(source, "source", part)[1], y)
        target = self._gather([batch.target for batch in batches], numbers)
        n = source.shape[1]
        if (
            self.apart
            and self.modules.lifted
            and n == target.shape[1]
            and len(source) == len(self.places)
        ):
            rows = torch.stack([source, target], dim=2).flatten(1, 2)
            both, logits = self.modules(rows, "both", part)
            of_source, of_target = (tuple(f[:, i::2] for f in both) for i in range(2))
            logits = logits[:, ::2]
        elif self.apart:
            of_source, logits = self.modules(source, "source", part)
            of_target, _ = self.modules(target, "target", part)
        else:
            both, logits = self.modules(torch.cat([source, target], dim=1), "source", part)
            of_source = tuple(f[:, :n] for f in both)
            of_target = tuple(f[:, n:] for f in both)
        lams = self.lams[part] * self.first.lam_schedule(progress)
        adaptation = self._adaptation(of_source, of_target, lams, part)
        return self._criterion(logits[:, :n], y) + adaptation

    def _criterion(self, logits: Tensor, y: Tensor) -> Tensor:
        of_rows = cross_entropy(
            logits.flatten(0, 1),
            y.flatten(),
            reduction="none",
            label_smoothing=self.first.criterion_.label_smoothing,
        )
        return of_rows.view(y.shape).mean(dim=1)

    def _adaptation(self, source: Features, target: Features, lams: Tensor, part: slice) -> Tensor:
        if self.discriminators is not None:
            features = torch.cat([torch.cat(source, dim=2), torch.cat(target, dim=2)], dim=1)
            # one strength a model: it broadcasts
            strengths = cast(float, lams[:, None, None])
            reversed_ = reverse_gradient(features, strengths)
            logits = self.discriminators(reversed_, "source", part)[1].flatten(1)
            n = source[0].shape[1]
            return stacked_domain_bce(logits[:, :n], logits[:, n:])
        distance = cast(StackedDistance, self.distance)
        return lams * sum(distance(fs, ft) for fs, ft in zip(source, target, strict=True))

    def _gather(self, of_jobs: list[Tensor], numbers: list[int]) -> Tensor:
        return torch.stack([of_jobs[number] for number in numbers]).to(self.device)

    def write_back(self, i: int, net: AdaptationNet) -> None:
        """Put the weights and statistics of model `i` into a net."""
        self.modules.write_back(i, net.module_)
        saw_target = self.apart and bool(self.lams[i] > 0)
        if saw_target:
            net.module_.train()
            with net.domain_stats_.of("target", net.module_):
                self.modules.write_back(i, net.module_, "target")
        net.domain_stats_.seen.fill_(saw_target)
        if self.discriminators is not None:
            self.discriminators.write_back(i, net.adaptation_.discriminator)


def _n_rows(job: Job) -> tuple[int, int]:
    return len(job.domains), 0 if job.domains.target is None else len(job.domains.target)


def _sizes(batch: Batch) -> tuple[int, int]:
    return len(batch.source), len(batch.target)
