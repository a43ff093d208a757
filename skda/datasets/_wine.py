"""Wine quality: red and white."""

from pathlib import Path

import numpy as np

from ._docs import loader_docs
from ._fetch import DataHome, DataStore, github_files
from ._pairs import LabelledRows, Pair, PairDataset

DOMAINS = ("red", "white")
FEATURES = (
    *("fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides"),
    *("free sulfur dioxide", "total sulfur dioxide", "density", "pH", "sulphates", "alcohol"),
)
DESCR = """\
Wine quality: does a tasting panel give a Portuguese vinho verde six points or more? Domains: red
(1599 wines), white (4898). Eleven physico-chemical measurements, raw. The larger class is .535 of
the red wines and .665 of the white ones: score by balanced accuracy.

All rows of both domains are used; there is no separate target test set, so X_target_test and
y_target_test are the same objects as X_target and y_target.

Origin: Cortez et al., Decision Support Systems 2009, UCI 186. Licence: CC BY 4.0 (UCI).
"""


def _from_text(path: Path) -> LabelledRows:
    # The header is a comment; blanks separate the columns, the last is the quality.
    table = np.loadtxt(path, ndmin=2)
    return LabelledRows(table[:, :-1].astype(np.float32), table[:, -1] >= 6)


DATASET = PairDataset(
    store=DataStore(
        name="wine_quality",
        prepared_sha256="fba3b2ff02cbdc9d3dc8d4e9e9332a40e7d7867de183b41c4e20e7c6a95c3a1e",
        files=github_files(
            "cedias/RFIDEC",
            "acd306b91390935d854cc5abb9cb5e6a4991d2a1",
            "data",
            """
0b72d682cdb539766c7fa9d6b5305044935a6cea96e5427134f3e02115009927  winequality-red.csv
8259e0b3088862f0f579a23d2b0bbc107189ce72da59311c7de9cbca7f8288a9  winequality-white.csv
            """,
        ),
    ),
    domains=DOMAINS,
    file_name="winequality-{}.csv",
    from_file=_from_text,
    feature_names=FEATURES,
    target_names=["quality<=5", "quality>=6"],
    descr=DESCR,
)


@loader_docs
def fetch_wine_quality(
    source: str = "white",
    target: str = "red",
    *,
    data_home: DataHome = None,
    download_if_missing: bool = True,
    progress: bool = False,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Pair:
    """Load red and white wines as two domains (classification).

    ===========   =======================
    Classes                             2
    Rows          1599 (red), 4898 (white)
    Features                           11
    ===========   =======================

    Parameters
    ----------
    source, target : {"red", "white"}
        One of each.
    <download>
    <as_frame>
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_source, X_target : ndarray or DataFrame of shape (n_domain, 11), float32
            Acids, sugar, chlorides and sulphates in g/dm³, sulfur dioxide in mg/dm³,
            density in g/cm³, alcohol in % by volume.
        y_source, y_target : ndarray or Series of shape (n_domain,), int64
            1 where the quality is 6 or more. ``y_target`` is for oracles and scores only.
        <target_test_is_target>
        feature_names : ndarray of shape (11,)
            Column names.
        <names>

    Raises
    ------
    <download_errors>

    References
    ----------
    .. [1] P. Cortez et al., "Modeling wine preferences by data mining from
       physicochemical properties", Decision Support Systems 2009.

    Examples
    --------
    >>> from skda.datasets import fetch_wine_quality
    >>> fetch_wine_quality("white", "red").X_source.shape  # doctest: +SKIP
    (4898, 11)
    """
    return DATASET.fetch("fetch_wine_quality", **locals())
