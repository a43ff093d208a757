"""Joint maximum mean discrepancy: one kernel over several layers at once."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ._core.estimators import quad_tuple_mmd2
from ._core.kernels import KernelFamily, check_kernel_options
from ._core.pooled import pooled_mmd2
from ._core.precision import full_precision
from ._core.validation import check_estimator, check_samples

__all__ = ["JAN_SOFTMAX_BANDWIDTH", "JMMDLoss", "jmmd2"]

#: The fixed bandwidth 2 sigma² on the softmax layer in the JAN authors' code, sigma = 0.92.
JAN_SOFTMAX_BANDWIDTH = 2 * 0.92**2


def _check_layers(
    source_layers: Sequence[Tensor],
    target_layers: Sequence[Tensor],
    n_kernels: Sequence[int],
    bandwidths: Sequence[float | Tensor | None],
    spacing: float,
) -> None:
    lengths = [len(value) for value in (source_layers, target_layers, n_kernels, bandwidths)]
    if lengths[0] == 0 or len(set(lengths)) > 1:
        raise ValueError(
            "jmmd2 needs as many source_layers as target_layers, n_kernels and bandwidths, at "
            "least one. Got {}, {}, {} and {} instead.".format(*lengths)
        )
    for i, (source, target) in enumerate(zip(source_layers, target_layers, strict=True)):
        check_samples("jmmd2", source, target)
        same = (source_layers[0].shape[:-1], target_layers[0].shape[:-1])
        if (source.shape[:-1], target.shape[:-1]) != same:
            raise ValueError(
                "Every layer of jmmd2 must hold the same rows. Layer 0 has "
                f"{_times(source_layers[0])} source and {_times(target_layers[0])} target rows, "
                f"layer {i} has {_times(source)} and {_times(target)}."
            )
        check_kernel_options(
            "jmmd2", n_kernels=n_kernels[i], spacing=spacing, bandwidth=bandwidths[i]
        )


def _times(layer: Tensor) -> str:
    return " x ".join(map(str, layer.shape[:-1]))


@full_precision
def jmmd2(
    source_layers: Sequence[Tensor],
    target_layers: Sequence[Tensor],
    *,
    n_kernels: Sequence[int] = (5, 1),
    spacing: float = 2.0,
    bandwidths: Sequence[float | Tensor | None] = (None, JAN_SOFTMAX_BANDWIDTH),
    estimator: str = "quadratic",
    unbiased: bool = False,
) -> Tensor:
    """Squared joint MMD over several layers, the adaptation loss of JAN.

    Parameters
    ----------
    source_layers, target_layers : sequences of L Tensor (..., n_s, d_l) and (..., n_t, d_l), float
        Activations of the same rows of a domain in each layer; in JAN the features and the
        softmax. The leading axes are models.
    n_kernels : sequence of L int, default=(5, 1)
        Number of Gaussian kernels on each layer.
    spacing : float, default=2.0
        Ratio of successive bandwidths, above 1.
    bandwidths : sequence of L float, Tensor of shape () or (...), or None
        gamma of exp(−d² / gamma) on each layer; None for the median of the squared distances in
        this batch. Default: the median on the features, 2 (0.92)² on the softmax.
    estimator : {"quadratic", "linear"}, default="quadratic"
        All pairs, or disjoint quad-tuples as in :func:`mk_mmd2`.
    unbiased : bool, default=False
        For the quadratic estimator: leave k(z, z) out of the terms within a domain.

    Returns
    -------
    Tensor of shape (...)
        The estimate. The biased one is >= 0 up to rounding, the others may be negative. With a
        domain of one row the linear estimate is zero.

    Raises
    ------
    ValueError
        If an option is out of range, or the layers do not match.

    Notes
    -----
    The squared MMD with k(z, z') = Π_l k_l(z_l, z'_l) [1]_, each k_l the *mean* of its Gaussian
    kernels, so that k(z, z) = 1. The authors' code sums the kernels: its loss is larger by the
    product of n_kernels.

    References
    ----------
    .. [1] Long, M., Zhu, H., Wang, J., Jordan, M. (2017). Deep transfer learning with joint
       adaptation networks. ICML.

    Examples
    --------
    >>> import torch
    >>> source = [torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])]
    >>> target = [torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])]
    >>> round(jmmd2(source, target).item(), 3)  # the marginals agree, the joint does not
    0.429
    """
    _check_layers(source_layers, target_layers, n_kernels, bandwidths, spacing)
    check_estimator("jmmd2", estimator)
    families = [
        KernelFamily(count, spacing, bandwidth)
        for count, bandwidth in zip(n_kernels, bandwidths, strict=True)
    ]
    if estimator == "quadratic":
        return pooled_mmd2(families, source_layers, target_layers, unbiased=unbiased)
    return quad_tuple_mmd2(families, source_layers, target_layers)


class JMMDLoss(nn.Module):
    """The loss :func:`jmmd2` as a module, with the same parameters."""

    def __init__(
        self,
        *,
        n_kernels: Sequence[int] = (5, 1),
        spacing: float = 2.0,
        bandwidths: Sequence[float | None] = (None, JAN_SOFTMAX_BANDWIDTH),
        estimator: str = "quadratic",
        unbiased: bool = False,
    ) -> None:
        super().__init__()
        self.n_kernels = n_kernels
        self.spacing = spacing
        self.bandwidths = bandwidths
        self.estimator = estimator
        self.unbiased = unbiased

    def forward(self, source_layers: Sequence[Tensor], target_layers: Sequence[Tensor]) -> Tensor:
        """Return the squared joint MMD of layers of shape (..., n_s, d_l) and (..., n_t, d_l)."""
        return jmmd2(
            source_layers,
            target_layers,
            n_kernels=self.n_kernels,
            spacing=self.spacing,
            bandwidths=self.bandwidths,
            estimator=self.estimator,
            unbiased=self.unbiased,
        )
