"""Heart disease in four hospitals."""

from pathlib import Path

import numpy as np

from ._docs import loader_docs
from ._fetch import DataHome, DataStore, github_files
from ._pairs import LabelledRows, Pair, PairDataset

DOMAINS = ("cleveland", "hungarian", "switzerland", "va")
FEATURES = (
    *("age", "sex", "cp", "trestbps", "chol", "fbs", "restecg"),
    *("thalach", "exang", "oldpeak", "slope", "ca", "thal"),
)
DESCR = """\
Heart disease (absence, presence) in four hospitals: cleveland (303 patients), hungarian (294),
switzerland (123), va (200). Thirteen features, NaN where a value is missing: ca, thal and slope
are almost empty outside Cleveland; chol is 0, which means missing, for all of Switzerland and for
49 patients of VA, and is left as published. Impute inside the Pipeline; score by balanced
accuracy. The domains are too small to rank methods.

All rows of both domains are used; there is no separate target test set, so X_target_test and
y_target_test are the same objects as X_target and y_target.

Origin: Janosi, Steinbrunn, Pfisterer & Detrano 1988, UCI 45. Licence: CC BY 4.0 (UCI).
"""


def _from_csv(path: Path) -> LabelledRows:
    import pandas as pd

    # The hospitals write a missing value as "?" or as nothing.
    table = pd.read_csv(path, na_values="?")
    return LabelledRows(table[list(FEATURES)].to_numpy(np.float32), table["target"].to_numpy() > 0)


DATASET = PairDataset(
    store=DataStore(
        name="heart_disease",
        prepared_sha256="7ad67df2cae14e43d6ac90deda138876741aac76f293e37460547cf81548937e",
        files=github_files(
            "rsbaher/udemy-heart-disease-2023",
            "6f565ae36156d64aafb9c1855b9e51357db915df",
            "data",
            """
417c9c9b4786a091ccd53c141513ffb1e5bd492afd4c01c87f76228d23c66910  processed.cleveland.data
d5c34e6c57d3cb1213d542bab964eab45dfcc34dfaa9a4585861943ad7db63fb  processed.hungarian.data
5c325b1a8ce31b82c58e0dbbe3e5e54f0f685fead727c228fcb22356de706c76  processed.switzerland.data
7768a433fcb7971f4e3667e7ee081c84ac7bde9903e3dcc59cab887933a52da3  processed.va.data
            """,
        ),
    ),
    domains=DOMAINS,
    file_name="processed.{}.data",
    from_file=_from_csv,
    feature_names=FEATURES,
    target_names=["absence", "presence"],
    descr=DESCR,
)


@loader_docs
def fetch_heart_disease(
    source: str = "cleveland",
    target: str = "va",
    *,
    data_home: DataHome = None,
    download_if_missing: bool = True,
    progress: bool = False,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Pair:
    """Load two hospitals of the heart disease data (classification, missing values).

    ===========   ==================
    Classes                        2
    Rows          303, 294, 123, 200
    Features                      13
    ===========   ==================

    Parameters
    ----------
    source, target : {"cleveland", "hungarian", "switzerland", "va"}
        Two different hospitals.
    <download>
    <as_frame>
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_source, X_target : ndarray or DataFrame of shape (n_domain, 13), float32
            Features with NaN where missing; age in years, trestbps in mm Hg, chol in
            mg/dl, thalach in beats per minute, oldpeak in mm, the others are codes.
        y_source, y_target : ndarray or Series of shape (n_domain,), int64
            1 where a disease was found (the published ``num`` > 0). ``y_target`` is for
            oracles and scores only.
        <target_test_is_target>
        feature_names : ndarray of shape (13,)
            Column names.
        <names>

    Raises
    ------
    <download_errors>

    References
    ----------
    .. [1] R. Detrano et al., "International application of a new probability algorithm
       for the diagnosis of coronary artery disease", American Journal of Cardiology 1989.

    Examples
    --------
    >>> from skda.datasets import fetch_heart_disease
    >>> fetch_heart_disease("hungarian", "va", as_frame=True).X_target.shape  # doctest: +SKIP
    (200, 13)
    """
    return DATASET.fetch("fetch_heart_disease", **locals())
