"""Gas sensor drift: sixteen chemical sensors that age over 36 months."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_svmlight_file

from ._docs import loader_docs
from ._fetch import DataHome, DataStore, github_files
from ._pairs import LabelledRows, Pair, PairDataset

DOMAINS = ("batch1", "batch2", "batch6")
CLASSES = ("ethanol", "ethylene", "ammonia", "acetaldehyde", "acetone", "toluene")
N_SENSORS = 16
RESPONSES = (
    *("DR", "|DR|"),
    *("EMAi0.001", "EMAi0.01", "EMAi0.1"),
    *("EMAd0.001", "EMAd0.01", "EMAd0.1"),
)
FEATURES = [f"{name}_{sensor}" for sensor in range(1, N_SENSORS + 1) for name in RESPONSES]
DESCR = """\
Gas sensor array drift: six gases, measured by sixteen metal-oxide sensors over 36 months. Domains
are batches of months: batch1 (445 rows), batch2 (1244), batch6 (2300); all six gases occur in
each. 128 features: eight per sensor (steady-state change DR, its normalised form
|DR|, and exponential moving averages of the rise, EMAi, and the decay, EMAd), raw.

All rows of both domains are used; there is no separate target test set, so X_target_test and
y_target_test are the same objects as X_target and y_target.

Origin: Vergara et al., Sensors and Actuators B 2012; Rodriguez-Lujan et al. 2014; UCI 224 and 270.
Licence: CC BY 4.0 (UCI).
"""


def _from_svmlight(path: Path) -> LabelledRows:
    X, y = load_svmlight_file(path, n_features=len(FEATURES), zero_based=False)
    # The published labels are 1 .. 6.
    return LabelledRows(X.toarray().astype(np.float32), y.astype(np.int64) - 1)


DATASET = PairDataset(
    store=DataStore(
        name="gas_drift",
        prepared_sha256="f54e09ecf0b9426ea9086b6fb83af59e9de3d0f5a834ebffb1a9b452f69e11d9",
        files=github_files(
            "Wenwen1028/Drift",
            "be24a7eb419bb59fedbead4f287f488cd6fe576a",
            "Preprocessing_UCIdrift_dataset",
            """
8fdb2068c49b198fc9ae7be3ee2d0a503120fd6c255f5a45be44b613da08466d  batch1.dat
07f7e94a9bf4377240f9b230d20c750932fc785d4766b6a4b7fc370a035c825a  batch2.dat
83348c504105a5aa5264d1209f2a5d7ba7d9c8bcae60290395f201ac4708ff95  batch6.dat
            """,
        ),
    ),
    domains=DOMAINS,
    file_name="{}.dat",
    from_file=_from_svmlight,
    feature_names=FEATURES,
    target_names=CLASSES,
    descr=DESCR,
)


@loader_docs
def fetch_gas_drift(
    source: str = "batch1",
    target: str = "batch6",
    *,
    data_home: DataHome = None,
    download_if_missing: bool = True,
    progress: bool = False,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Pair:
    """Load two batches of the gas sensor drift data (classification).

    ===========   ==================
    Classes                        6
    Rows             445, 1244, 2300
    Features                     128
    ===========   ==================

    Parameters
    ----------
    source, target : {"batch1", "batch2", "batch6"}
        Two different batches.
    <download>
    <as_frame>
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_source, X_target : ndarray or DataFrame of shape (n_domain, 128), float32
            Raw features; the published units differ from column to column.
        y_source, y_target : ndarray or Series of shape (n_domain,), int64
            Class numbers. ``y_target`` is for oracles and scores only.
        <target_test_is_target>
        feature_names : ndarray of shape (128,)
            ``DR_1`` ... ``EMAd0.1_16``, the number being the sensor's.
        <names>

    Raises
    ------
    <download_errors>

    References
    ----------
    .. [1] A. Vergara et al., "Chemical gas sensor drift compensation using classifier
       ensembles", Sensors and Actuators B 2012.

    Examples
    --------
    >>> from skda.datasets import fetch_gas_drift
    >>> fetch_gas_drift("batch1", "batch2").X_target.shape  # doctest: +SKIP
    (1244, 128)
    """
    return DATASET.fetch("fetch_gas_drift", **locals())
