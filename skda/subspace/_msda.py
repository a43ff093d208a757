"""Marginalised stacked denoising autoencoders."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.sparse import issparse
from scipy.sparse import vstack as sparse_vstack
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval

from .._typing import Array, Domain, Matrix
from ..preprocessing._base import DomainTransformer, transformer_docs
from ._linalg import settle_n_components

__all__ = ["MSDA"]


@transformer_docs
class MSDA(ClassNamePrefixFeaturesOutMixin, DomainTransformer):
    r"""Marginalised stacked denoising autoencoder: features that reconstruct missing columns.

    Each layer reconstructs its columns from a corrupted copy in which columns are missing. A word
    of one domain thereby becomes correlated with words of the other domain that have the same
    context. The expectation over corruptions is exact: a layer is the solution of a linear system.
    The method is made for bags of words. Rows may be sparse, and all rows of both domains have the
    same weight.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of columns that the first layer reconstructs, and width of each layer. The columns
        with the largest sum of squares are taken, for 0/1 data the most frequent ones. None takes
        all. On thousands of sparse columns a smaller number saves most of the time and memory.
    n_layers : int, default=3
        Number of layers.
    corruption : float, default=0.5
        Probability :math:`p` that a column is set to 0, in (0, 1).
    reg : float, default=1e-5
        Added to the diagonal of the system; positive.
    include_input : bool, default=True
        Whether the output begins with the input, as in the paper.

    Attributes
    ----------
    weights_ : list of ndarray of shape (n_inputs + 1, n_components), float64
        One matrix :math:`W^\top` for each layer; its last row is the bias.
    columns_ : ndarray of shape (n_components,), int64
        The columns of the input that the first layer reconstructs.
    <features_in>

    See Also
    --------
    CORAL : Aligns covariances instead.
    sklearn.feature_extraction.text.TfidfTransformer : Weights counts; use it before MSDA.

    Notes
    -----
    A 1 that is never corrupted is appended to each row :math:`x`. With the corrupted copy
    :math:`\tilde x` and :math:`q = (1 - p, \dots, 1 - p, 1)`, a layer minimises the expectation of
    :math:`\sum_i \lVert x_i - W \tilde x_i \rVert^2`:

    .. math::

        W = P \, (Q + \mathrm{reg} \, I)^{-1}, \qquad S = \sum_i x_i x_i^\top, \qquad
        P_{ab} = S_{ab} \, q_b, \qquad
        Q_{ab} = \begin{cases} S_{ab} \, q_a q_b & a \ne b \\ S_{aa} \, q_a & a = b \end{cases}

    Its output :math:`\tanh(W x)` is the input of the next layer. The transformer returns the input
    and the outputs of all layers, side by side and dense.

    `fit` takes :math:`O(d^3)` time and :math:`O(d^2)` memory for :math:`d` columns.

    References
    ----------
    M. Chen, Z. Xu, K. Q. Weinberger, F. Sha, "Marginalized Denoising Autoencoders for Domain
    Adaptation", ICML 2012.

    Examples
    --------
    "exciting" occurs only in books and "compact" only in kitchen tools, both together with "great".
    A row that has only "compact" gets a larger value of "great" than an empty row:

    >>> from skda.subspace import MSDA
    >>> books = [[1, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]]  # great, exciting, compact
    >>> kitchen = [[1, 0, 1], [1, 0, 1], [0, 0, 0], [0, 0, 0]]
    >>> msda = MSDA(n_layers=1, include_input=False).fit(books, X_target=kitchen)
    >>> msda.transform([[0, 0, 1], [0, 0, 0]])[:, 0].round(2)
    array([0.64, 0.24])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "corruption": [Interval(Real, 0, 1, closed="neither")],
        "reg": [Interval(Real, 0, None, closed="neither")],
        "include_input": ["boolean"],
    }
    _fit_checks: ClassVar[dict[str, Any]] = {"dtype": np.float64}

    def __init__(
        self,
        n_components: int | None = None,
        *,
        n_layers: int = 3,
        corruption: float = 0.5,
        reg: float = 1e-5,
        include_input: bool = True,
    ) -> None:
        self.n_components = n_components
        self.n_layers = n_layers
        self.corruption = corruption
        self.reg = reg
        self.include_input = include_input

    def _fit_domains(self, source: Any, target: Any) -> None:
        rows = _stack(source, target)
        width = rows.shape[1]
        if self.n_components is None:
            self.columns_ = np.arange(width)
        else:
            reason = "they have no more columns"
            n = settle_n_components(self, self.n_components, width, reason)
            squares = np.asarray(rows.multiply(rows).sum(0) if issparse(rows) else (rows**2).sum(0))
            self.columns_ = np.sort(np.argsort(-squares.ravel(), kind="stable")[:n])
        self.weights_ = []
        for layer in range(self.n_layers):
            columns = self.columns_ if layer == 0 else np.arange(len(self.columns_))
            self.weights_.append(_denoiser(rows, columns, self.corruption, self.reg))
            rows = _hidden(rows, self.weights_[-1])

    def _map_rows(self, X: Any, _domain: Domain, /) -> Array:
        layers = [X.toarray() if issparse(X) else X] if self.include_input else []
        hidden = X
        for weights in self.weights_:
            hidden = _hidden(hidden, weights)
            layers.append(hidden)
        return np.hstack(layers)

    @property
    def _n_features_out(self) -> int:
        hidden = len(self.weights_) * len(self.columns_)
        return hidden + (self.n_features_in_ if self.include_input else 0)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _stack(source: Any, target: Any) -> Any:
    if issparse(source) or issparse(target):
        return sparse_vstack([source, target], format="csr")
    return np.vstack([source, target])


def _denoiser(rows: Any, columns: NDArray[np.int64], corruption: float, reg: float) -> Matrix:
    """Return the transposed weights that reconstruct `columns` from corrupted `rows`."""
    n, width = rows.shape
    products = rows.T @ rows
    S = np.empty((width + 1, width + 1))
    S[:width, :width] = products.toarray() if issparse(products) else products
    S[width, :width] = S[:width, width] = np.asarray(rows.sum(axis=0)).ravel()
    S[width, width] = n
    q = np.full(width + 1, 1 - corruption)
    q[width] = 1
    P = S[columns] * q
    diagonal = q * S.diagonal() + reg
    S *= q
    S *= q[:, np.newaxis]
    np.fill_diagonal(S, diagonal)
    weights: Matrix = scipy.linalg.solve(S, P.T, assume_a="pos", overwrite_a=True)
    return weights


def _hidden(rows: Any, weights: Matrix) -> Matrix:
    hidden: Matrix = np.tanh(rows @ weights[:-1] + weights[-1])
    return hidden
