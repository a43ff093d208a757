"""The second term of the loss where the labelled rows come from several sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .data.domains import DomainPair
from .term import AdaptationTerm, DomainOutput

__all__ = ["PairwiseTerm"]


class PairwiseTerm(AdaptationTerm):
    r"""The mean over the sources of a term between one source and the target.

    Parameters
    ----------
    terms : sequence of AdaptationTerm
        One for each source, with parameters of its own: in an adversarial method each source has
        a discriminator.

    Notes
    -----
    .. math:: \frac{1}{K} \sum_{k=1}^{K} \mathrm{term}_k(f(X_{s_k}), f(X_t), \lambda)

    A source without rows in the batch is left out of the mean.
    """

    stackable: ClassVar = False  # the rows of a batch are cut by their source

    def __init__(self, terms: Sequence[AdaptationTerm]) -> None:
        super().__init__()
        self.terms: Any = nn.ModuleList(terms)  # torch types its entries as Module
        self.waits = any(term.waits for term in terms)

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the mean of the weighted terms."""
        of_sources = zip(self.terms, source.by_source(), strict=True)
        pairs = [(term, part) for term, part in of_sources if part.n_rows]
        losses = [term(part, target, lam) for term, part in pairs]
        self.domain_logits = _joined([(part.n_rows, term.domain_logits) for term, part in pairs])
        return torch.stack(losses).mean(0)

    def by_source(self, domains: DomainPair) -> Iterable[tuple[AdaptationTerm, DomainPair, str]]:
        """Return the term of each source with its rows."""
        return [(term, domains.of_source(k), f"source{k}") for k, term in enumerate(self.terms)]

    @property
    def epoch_sample(self) -> int:  # type: ignore[override]
        """Number of rows of each domain that each term is shown before an epoch."""
        return int(self.terms[0].epoch_sample)

    def own_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters that the terms train themselves."""
        return chain.from_iterable(term.own_parameters() for term in self.terms)

    def own_state(self) -> dict[str, Any]:
        """Return the optimizers and generators of all terms."""
        return {
            f"{k}.{name}": value
            for k, term in enumerate(self.terms)
            for name, value in term.own_state().items()
        }


def _joined(found: Sequence[tuple[int, tuple[Tensor, ...]]]) -> tuple[Tensor, ...]:
    """Return all discriminators' logits of their source, then all their logits of the target.

    Of each discriminator, `found` has the number of source rows and the logits.
    """
    if not all(logits for _, logits in found):
        return ()
    both = [(torch.cat([part.flatten() for part in logits]), n) for n, logits in found]
    of_source = torch.cat([logits[:n] for logits, n in both])
    return of_source, torch.cat([logits[n:] for logits, n in both])
