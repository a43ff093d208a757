"""Turbofan engines that wear out: how many flights remain."""

import os
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

from ._docs import loader_docs
from ._fetch import Arrays, DataHome, DataStore
from ._pairs import LabelledRows, Pair, check_pair, make_pair
from ._turbofan_windows import CHANNELS, cut_engines, read_folder

DOMAINS = ("FD001", "FD002", "FD003")
STORE = DataStore(
    name="turbofan",
    prepared_sha256="69fb30fb841c38f93af79434155e3c634f987e631adc66b636164f3babfbf5ae",
)
COUNT = [Interval(Integral, 1, None, closed="left")]
REMEDY = (
    "Get the turbofan degradation data C-MAPSS from the NASA Prognostics Center of Excellence data "
    "repository (https://www.nasa.gov/intelligent-systems-division) and pass the folder of its "
    "text files, or a prepared turbofan.npz, as path; or put turbofan.npz into data_home or the "
    "folder that the environment variable SKDA_DATA_HOME names."
)
DESCR = """\
Turbofan engines, C-MAPSS: the remaining useful life, in flights (cycles), of simulated engines that
wear out. Domains are FD001 (one operating condition, one fault), FD002 (six conditions, one fault)
and FD003 (one condition, two faults). Each cycle has three operational settings and 21 sensors, as
published: nothing is normalised.

The training engines (100, 260 and 100) were recorded until they failed. The test engines (100, 259
and 100) are other engines and were recorded until some cycle before the failure. Rows are windows
of successive cycles; the label is the remaining life at the last cycle, at most max_rul. X_source
and X_target have the windows of the training engines, X_target_test has the last window of each
test engine of the target. y_target is for oracles and scores only.

Origin: A. Saxena, K. Goebel, NASA Ames Prognostics Data Repository, 2008. Public.
"""


@loader_docs
def fetch_turbofan(
    source: str = "FD001",
    target: str = "FD002",
    *,
    path: DataHome = None,
    window: int = 30,
    step: int = 1,
    max_rul: float | None = 125,
    as_series: bool = True,
    data_home: DataHome = None,
    return_X_y: bool = False,
) -> Pair:
    """Load the remaining life of turbofan engines in two conditions (regression, series).

    ==============   =======================================================
    Outputs          1, the remaining useful life in cycles
    Source windows   17731, 46219 or 21820 of 100, 260 or 100 engines
    Target windows   the same; test: 100, 259 or 100, one an engine
    Features         a series of shape (24, window), or its 24 * window values
    ==============   =======================================================

    Parameters
    ----------
    source, target : {"FD001", "FD002", "FD003"}
        Two different sets of engines.
    path : str or path-like, default=None
        A prepared ``.npz`` file (read without checksum), or the folder of the published text
        files ``train_FD001.txt``, ``test_FD001.txt``, ``RUL_FD001.txt`` and so on. None reads
        ``turbofan.npz`` from `data_home`.
    window : int, default=30
        Number of cycles in a window, at least 1.
    step : int, default=1
        Number of cycles, at least 1, between the ends of two windows of a training engine. Its
        last window ends at the failure.
    max_rul : float or None, default=125
        A longer remaining life is cut to this number of cycles, above 0, since a new engine shows
        no wear. None leaves it as it is.
    as_series : bool, default=True
        False flattens each window, channel after channel.
    <data_home>
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_source, X_target, X_target_test : ndarray of shape (n, 24, window), float32
            Settings and sensors, in the units of [1]_ (°R, psia, rpm, ...), oldest cycle first;
            (n, 24 * window) where `as_series` is False.
        y_source, y_target, y_target_test : ndarray of shape (n,), float32
            Cycles that remain after the window. ``y_target`` is for oracles and scores only.
        groups_source, groups_target, groups_target_test : ndarray of shape (n,), int64
            Number of the engine in its file. The test engines are other engines than the
            training engines, though their numbers are the same.
        feature_names : ndarray of shape (24,) or (24 * window,)
            The channels ``setting_1`` ... ``sensor_21``; of flattened windows
            ``setting_1_t-29`` ... ``sensor_21_t-0``, where t-0 is the last cycle.
        <output_names>

    Raises
    ------
    <local_errors>

    Notes
    -----
    If an engine has fewer cycles than `window`, its first cycle is repeated. The windows of an
    engine overlap: for a split of your own, such as
    :class:`~sklearn.model_selection.GroupKFold`, pass the engines as groups.

    The sensors depend on the operating condition more than on the wear, and the settings describe
    the condition: ``DomainConditionScaler([0, 1, 2])`` scales the sensors within the conditions of
    each domain.

    References
    ----------
    .. [1] A. Saxena, K. Goebel, D. Simon, N. Eklund, "Damage Propagation Modeling for Aircraft
       Engine Run-to-Failure Simulation", PHM 2008.

    Examples
    --------
    >>> from skda.datasets import fetch_turbofan
    >>> fetch_turbofan("FD001", "FD002", step=3).X_target_test.shape  # doctest: +SKIP
    (259, 24, 30)
    """
    check_pair(
        "fetch_turbofan",
        DOMAINS,
        locals(),
        path=[str, os.PathLike, None],
        window=COUNT,
        step=COUNT,
        max_rul=[Interval(Real, 0, None, closed="neither"), None],
    )
    arrays = _read(path, data_home, (source, target))
    parts = {
        "source": cut_engines(arrays[f"{source}_train"], window, step),
        "target": cut_engines(arrays[f"{target}_train"], window, step),
        "target_test": cut_engines(arrays[f"{target}_test"], window, None, arrays[f"{target}_rul"]),
    }
    rows: dict[str, LabelledRows] = {}
    groups: dict[str, Any] = {}
    for part, (X, life, engines) in parts.items():
        shaped = X if as_series else X.reshape(len(X), -1)
        rows[part] = LabelledRows(shaped, np.minimum(life, max_rul or np.inf, dtype=np.float32))
        groups[f"groups_{part}"] = engines
    flat_names = [f"{name}_t-{before}" for name in CHANNELS for before in reversed(range(window))]
    return make_pair(
        *rows.values(),
        feature_names=CHANNELS if as_series else flat_names,
        target_names=["remaining_life"],
        descr=DESCR,
        return_X_y=return_X_y,
        **groups,
    )


def _read(path: DataHome, data_home: DataHome, names: tuple[str, str]) -> Arrays:
    if path is not None and (folder := Path(path).expanduser()).is_dir():
        return read_folder(folder, names)
    required = [f"{name}_{kind}" for name in names for kind in ("train", "test", "rul")]
    return STORE.read_local(path, data_home, required=required, remedy=REMEDY)
