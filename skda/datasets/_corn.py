"""Corn: near-infrared spectra of the same samples on three instruments."""

import os
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from ._docs import loader_docs
from ._fetch import Arrays, DataHome, DataStore, github_files
from ._pairs import LabelledRows, Pair, check_pair, make_pair

DOMAINS = ("m5", "mp5", "mp6")
CONSTITUENTS = ("moisture", "oil", "protein", "starch")
N_SAMPLES = 80
WAVELENGTHS = range(1100, 2500, 2)
FILE = "corn.mat"
STORE = DataStore(
    name="corn_nir",
    prepared_sha256="7dc5700200433512b10447a616d549cb3c50a18a92f5d210512ee841c104a084",
    files=github_files(
        "B-Analytics/diPLSlib",
        "0d6a085147df428364ab29fa68f8a4c9f83ffe7f",
        "data",
        f"e28fd4be274a54ca57b1f2c67ef5a8bf4981f8314bcc73e4c64836fe658c46b5  {FILE}",
    ),
)
DESCR = """\
Corn, near infrared: moisture, oil, protein and starch of 80 samples of corn, in per cent, from
spectra of 700 wavelengths, 1100 to 2498 nm in steps of 2 nm. Each sample was measured on three
instruments, m5, mp5 and mp6, which are the domains. Spectra are absorbances, nothing is normalised.

All instruments measured the same samples, so the samples are split: the source has some of them,
measured on one instrument; the target has the others, measured on another. All target rows are used
for adaptation and for scores: X_target_test and y_target_test are the same objects as X_target and
y_target. y_target is for oracles and scores only.

Origin: Cargill, distributed by Eigenvector Research. Licence: none stated.
"""


@loader_docs
def fetch_corn_nir(
    source: str = "m5",
    target: str = "mp6",
    *,
    constituents: str | Sequence[str] = "moisture",
    n_source: int = 40,
    random_state: int | np.random.RandomState | None = 0,
    data_home: DataHome = None,
    download_if_missing: bool = True,
    progress: bool = False,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Pair:
    """Load near-infrared spectra of corn from two instruments (regression).

    ===========   =================================
    Outputs       1 to 4 constituents, in per cent
    Rows          80 samples, n_source in the source
    Features      700
    ===========   =================================

    Parameters
    ----------
    source, target : {"m5", "mp5", "mp6"}
        Two different instruments.
    constituents : {"moisture", "oil", "protein", "starch"} or sequence of these
        What to predict. A sequence gives ``y`` one column for each, a single name a 1-D ``y``.
    n_source : int, default=40
        Number of samples, from 1 to 79, that the source has; the target has the others.
    random_state : int, RandomState instance or None, default=0
        Determines which samples the source has: the same ones for every pair of instruments.
    <download>
    <as_frame>
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_source, X_target : ndarray or DataFrame of shape (n_domain, 700), float32
            Absorbance at each wavelength.
        y_source, y_target : ndarray, Series or DataFrame of shape (n_domain,) or \
(n_domain, n_constituents), float32
            Per cent. ``y_target`` is for oracles and scores only.
        <target_test_is_target>
        groups_source, groups_target : ndarray of shape (n_domain,), int64
            Number of each row's sample, from 0 to 79; none is in both domains.
        feature_names : ndarray of shape (700,)
            ``1100 nm`` ... ``2498 nm``.
        <output_names>

    Raises
    ------
    <download_errors>

    Notes
    -----
    For an oracle with as many labels as the source, train on the source's samples as the target
    instrument measured them: the ``X_source`` of the call with `source` and `target` exchanged.

    References
    ----------
    .. [1] R. Nikzad-Langerodi, W. Zellinger, E. Lughofer, S. Saminger-Platz, "Domain-Invariant
       Partial-Least-Squares Regression", Analytical Chemistry 90(11), 2018.

    Examples
    --------
    >>> from skda.datasets import fetch_corn_nir
    >>> data = fetch_corn_nir("m5", "mp5", constituents=["oil", "starch"])  # doctest: +SKIP
    >>> data.X_source.shape, data.y_source.shape  # doctest: +SKIP
    ((40, 700), (40, 2))
    """
    check_pair(
        "fetch_corn_nir",
        DOMAINS,
        locals(),
        constituents="no_validation",  # `_chosen` checks them
        n_source=[Interval(Integral, 1, N_SAMPLES - 1, closed="both")],
    )
    names = _chosen(constituents)
    arrays = _read(data_home, download_if_missing=download_if_missing, progress=progress)
    columns = [CONSTITUENTS.index(name) for name in names]
    y = arrays["y"][:, columns[0] if isinstance(constituents, str) else columns]
    samples = check_random_state(random_state).permutation(N_SAMPLES)
    of_source, of_target = np.sort(samples[:n_source]), np.sort(samples[n_source:])
    return make_pair(
        LabelledRows(arrays[f"{source}_X"][of_source], y[of_source]),
        LabelledRows(arrays[f"{target}_X"][of_target], y[of_target]),
        feature_names=[f"{wavelength} nm" for wavelength in WAVELENGTHS],
        target_names=names,
        descr=DESCR,
        as_frame=as_frame,
        return_X_y=return_X_y,
        groups_source=of_source.astype(np.int64),
        groups_target=of_target.astype(np.int64),
    )


def _chosen(constituents: str | Sequence[str]) -> list[str]:
    """Return the names of the constituents, or raise."""
    names = [constituents] if isinstance(constituents, str) else list(constituents)
    if not names or len(set(names)) < len(names) or not set(names) <= set(CONSTITUENTS):
        raise ValueError(
            "The 'constituents' parameter of fetch_corn_nir must be one of "
            f"{', '.join(map(repr, CONSTITUENTS))}, or a sequence of different ones. Got "
            f"{constituents!r} instead."
        )
    return names


def _read(data_home: str | os.PathLike[str] | None, **downloading: bool) -> Arrays:
    """Return the arrays of the prepared archive, or else of the published file."""
    prepared = STORE.read_prepared(data_home)
    if prepared is not None:
        return prepared
    return _from_mat(STORE.fetch([FILE], data_home=data_home, **downloading)[FILE])


def _from_mat(path: Path) -> Arrays:
    from scipy.io import loadmat

    # dataset objects of a MATLAB toolbox, each with a matrix named data
    content = loadmat(path)
    matrices = {name: f"{name.removesuffix('_X')}spec" for name in (f"{d}_X" for d in DOMAINS)}
    return {
        name: content[item]["data"][0, 0].astype(np.float32)
        for name, item in {**matrices, "y": "propvals"}.items()
    }
