"""Losses of a domain discriminator or a critic."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus

from ._core.estimators import domain_weights
from ._core.precision import full_precision
from ._core.validation import check_one_logit, check_rows, check_samples, check_weights
from .uncertainty import row_entropy

__all__ = [
    "DomainBCELoss",
    "WassersteinCriticLoss",
    "domain_bce",
    "entropy_weights",
    "gradient_penalty",
    "pooled_domain_bce",
    "wasserstein_critic",
]


def _weighted_mean(values: Tensor, weights: Tensor | None, name: str) -> Tensor:
    if weights is None:
        return values.mean(-1)
    check_weights("domain_bce", name, weights, values.shape)
    return (weights * values).sum(-1) / weights.sum(-1)


@full_precision
def domain_bce(
    source_logits: Tensor,
    target_logits: Tensor,
    *,
    source_weights: Tensor | None = None,
    target_weights: Tensor | None = None,
) -> Tensor:
    """Binary cross-entropy of a domain discriminator, the adversarial loss of DANN and CDAN.

    Parameters
    ----------
    source_logits : Tensor of shape (n_s,) or (..., n_s, 1), float
        Logits of "comes from the target" for source rows, without a sigmoid. Logits with leading
        axes, of models, need the last axis of one.
    target_logits : Tensor of shape (n_t,) or (..., n_t, 1), float
        The same for target rows.
    source_weights : Tensor of shape (..., n_s), default=None
        Weights of the source rows, with a positive sum; see :func:`entropy_weights`.
    target_weights : Tensor of shape (..., n_t), default=None
        Weights of the target rows.

    Returns
    -------
    Tensor of shape (...)
        2 log 2 for a discriminator that cannot tell the domains apart. The discriminator minimises
        the loss; the gradient reversal before the discriminator makes the features maximise it.
        NaN where the weights of a domain are all 0: their mean is not defined.

    Raises
    ------
    ValueError
        If the logits are not one a row, or the weights do not match them.

    Notes
    -----
    With d = 0 for source and d = 1 for target, and G the sigmoid of the logit,
    d log 1/G + (1 − d) log 1/(1 − G) [1]_, averaged over each domain, then added, so that both
    domains weigh the same.

    References
    ----------
    .. [1] Ganin, Y. et al. (2016). Domain-adversarial training of neural networks. JMLR 17.

    Examples
    --------
    >>> domain_bce(torch.zeros(3), torch.zeros(2, 1))
    tensor(1.3863)
    """
    source = check_one_logit("domain_bce", "source_logits", source_logits)
    target = check_one_logit("domain_bce", "target_logits", target_logits, source.shape[:-1])
    source_mean = _weighted_mean(softplus(source), source_weights, "source_weights")
    return source_mean - _weighted_mean(logsigmoid(target), target_weights, "target_weights")


@lru_cache(maxsize=32)
def _signs_and_shares(
    n_source: int, n_target: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Return 1 for source rows and -1 for others, 1 / n of a row's domain, and who is in which."""
    with torch.inference_mode(False):  # autograd must accept them later
        weights = domain_weights(n_source, n_target, dtype, device)
        members = torch.stack([weights > 0, weights < 0], dim=1).to(dtype)
        return weights.sign(), weights.abs(), members


@full_precision
def pooled_domain_bce(logits: Tensor, n_source: int, weights: Tensor | None = None) -> Tensor:
    """:func:`domain_bce` of both domains' logits in one tensor, in half the time.

    Parameters
    ----------
    logits : Tensor of shape (n_s + n_t,) or (..., n_s + n_t, 1), float
        Logits of "comes from the target", those of the source rows first.
    n_source : int
        n_s, from 1 to all rows but one.
    weights : Tensor of shape (..., n_s + n_t), default=None
        Weights of the rows, with a positive sum in each domain; see :func:`entropy_weights`.

    Returns
    -------
    Tensor of shape (...)
        NaN where the weights of a domain are all 0.

    Raises
    ------
    ValueError
        If the logits are not one a row, a domain has none, or the weights do not match them.

    Examples
    --------
    >>> pooled_domain_bce(torch.zeros(5), 3)
    tensor(1.3863)
    """
    logits = check_one_logit("pooled_domain_bce", "logits", logits)
    n_target = logits.shape[-1] - n_source
    if not (n_source > 0 and n_target > 0):
        raise ValueError(
            "The 'n_source' parameter of pooled_domain_bce must leave at least one row to each "
            f"domain. Got {n_source} of {logits.shape[-1]} rows instead."
        )
    signs, shares, members = _signs_and_shares(n_source, n_target, logits.dtype, logits.device)
    losses = softplus(logits * signs)
    if weights is None:
        return losses @ shares
    check_weights("pooled_domain_bce", "weights", weights, losses.shape)
    weights = weights.to(losses.dtype)
    return ((weights * losses) @ members / (weights @ members)).sum(-1)


def entropy_weights(logits: Tensor) -> Tensor:
    """Weights of rows in CDAN+E, larger for rows that are classified with confidence.

    Parameters
    ----------
    logits : Tensor of shape (..., n, n_classes), float
        Class logits.

    Returns
    -------
    Tensor of shape (..., n)
        1 + exp(−H), H the entropy of the row's softmax in nats, over its mean; detached.

    Raises
    ------
    ValueError
        If logits is not a non-empty float tensor of shape (..., n, n_classes).

    References
    ----------
    .. [1] Long, M., Cao, Z., Wang, J., Jordan, M. (2018). Conditional adversarial domain
       adaptation. NeurIPS.

    Examples
    --------
    >>> entropy_weights(torch.tensor([[0.0, 0.0], [50.0, 0.0]]))  # 1.5 and 2 over their mean
    tensor([0.8571, 1.1429])
    """
    check_rows("entropy_weights", logits=logits)
    weights = 1 + torch.exp(-row_entropy(logits.detach()))
    return weights / weights.mean(-1, keepdim=True)


@full_precision
def wasserstein_critic(source_scores: Tensor, target_scores: Tensor) -> Tensor:
    """Difference of a critic's mean scores, the estimated Wasserstein-1 distance of WDGRL.

    Parameters
    ----------
    source_scores : Tensor of shape (n_s,) or (..., n_s, 1), float
        The critic's scores of source rows; the leading axes are models.
    target_scores : Tensor of shape (n_t,) or (..., n_t, 1), float
        Those of target rows.

    Returns
    -------
    Tensor of shape (...)
        mean(source) − mean(target). The critic *maximises* it under :func:`gradient_penalty`;
        the features minimise it.

    Raises
    ------
    ValueError
        If the scores are not one a row.

    References
    ----------
    .. [1] Shen, J., Qu, Y., Zhang, W., Yu, Y. (2018). Wasserstein distance guided
       representation learning for domain adaptation. AAAI.

    Examples
    --------
    >>> wasserstein_critic(torch.tensor([1.0, 3.0]), torch.tensor([[-1.0]]))
    tensor(3.)
    """
    source = check_one_logit("wasserstein_critic", "source_scores", source_scores)
    models = source.shape[:-1]
    target = check_one_logit("wasserstein_critic", "target_scores", target_scores, models)
    return source.mean(-1) - target.mean(-1)


@full_precision
def gradient_penalty(
    source: Tensor,
    target: Tensor,
    critic: Callable[[Tensor], Tensor],
    *,
    generator: torch.Generator,
) -> Tensor:
    """Penalty that keeps the slope of WDGRL's critic near one.

    Parameters
    ----------
    source : Tensor of shape (..., n_s, d), float
        Features of source rows, taken as constants: the penalty trains the critic alone. The
        leading axes are models.
    target : Tensor of shape (..., n_t, d), float
        Features of target rows.
    critic : callable
        Maps (..., n, d) to one score a row, row by row, in a shape that
        :func:`wasserstein_critic` takes.
    generator : torch.Generator
        Draws the points between the domains, of all models at once.

    Returns
    -------
    Tensor of shape (...)
        Mean over points p of (‖∇ critic(p)‖ − 1)².

    Raises
    ------
    ValueError
        If the samples cannot be compared, or the critic's scores are not one a row.

    Notes
    -----
    The points are the source rows, the target rows, and one random point on the line between
    each of max(n_s, n_t) pairs of them, the smaller domain starting again when it runs out [1]_.

    References
    ----------
    .. [1] Shen, J., Qu, Y., Zhang, W., Yu, Y. (2018). Wasserstein distance guided
       representation learning for domain adaptation. AAAI.

    Examples
    --------
    >>> rng = torch.Generator().manual_seed(0)
    >>> critic = nn.Linear(2, 1)
    >>> _ = critic.weight.data.copy_(torch.tensor([[3.0, 0.0]]))
    >>> gradient_penalty(torch.zeros(4, 2), torch.ones(3, 2), critic, generator=rng).item()
    4.0
    """
    check_samples("gradient_penalty", source, target)
    source, target = source.detach(), target.detach()
    *models, n_source, _ = source.shape
    n_target = target.shape[-2]
    pair = torch.arange(max(n_source, n_target), device=source.device)
    one, other = source[..., pair % n_source, :], target[..., pair % n_target, :]
    shape = (*models, len(pair), 1)
    mix = torch.rand(shape, generator=generator, device=generator.device)
    mix = mix.to(source, non_blocking=True)
    points = torch.cat([source, target, torch.lerp(other, one, mix)], -2).requires_grad_()
    scores = check_one_logit("gradient_penalty", "critic(points)", critic(points), models)
    (slopes,) = torch.autograd.grad(scores.sum(), points, create_graph=True)
    lengths: Tensor = torch.linalg.vector_norm(slopes, dim=-1)
    return (lengths - 1).square().mean(-1)


class DomainBCELoss(nn.Module):
    """The loss :func:`domain_bce` as a module."""

    def forward(
        self,
        source_logits: Tensor,
        target_logits: Tensor,
        source_weights: Tensor | None = None,
        target_weights: Tensor | None = None,
    ) -> Tensor:
        """Return the discriminator's loss for one logit a row."""
        return domain_bce(
            source_logits,
            target_logits,
            source_weights=source_weights,
            target_weights=target_weights,
        )


class WassersteinCriticLoss(nn.Module):
    """The loss :func:`wasserstein_critic` as a module."""

    def forward(self, source_scores: Tensor, target_scores: Tensor) -> Tensor:
        """Return the difference of the mean scores, one score a row."""
        return wasserstein_critic(source_scores, target_scores)
