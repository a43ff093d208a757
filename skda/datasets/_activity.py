"""Phone and watch: one set of human activities, measured on two devices."""

import os
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path

import numpy as np

from ._activity_windows import CHANNELS, CLASSES, DEVICE_CODES, FEATURES, read_recordings
from ._docs import loader_docs
from ._fetch import Arrays, DataHome, DataStore
from ._pairs import LabelledRows, Pair, check_pair, make_pair

DOMAINS = tuple(DEVICE_CODES)
LAST_SOURCE_SUBJECT = 11
STORE = DataStore(
    name="har_phone_watch",
    prepared_sha256="231cb1ece24160fb8f20d2cb1ca5eec6615a68e1b18b206e0e3dd144eb59b5ff",
)
REMEDY = (
    "The windows have no public home of their own: clone "
    "https://github.com/GeoTecINIT/sp-sw-har-dataset (commit 1408d85a) and pass its folder, or a "
    "prepared har_phone_watch.npz, as path; or put har_phone_watch.npz into data_home or the "
    "folder that the environment variable SKDA_DATA_HOME names."
)
DESCR = """\
Phone and watch: the activities seated, standing up, walking, turning and sitting down of 23
subjects, who wore a smartphone and a smartwatch at the same time. Windows of .64 s (32 samples of
accelerometer and gyroscope at about 51 Hz, half overlapping, at least 80 % of one activity): 6010
of the phone, 6131 of the watch. 80 features per window, or the raw (6, 32) signal; nothing is
normalised.

Both devices recorded the same moments, so the subjects are split: the source has subjects 1 to 11,
the target subjects 12 to 23. By default all target windows are used for adaptation and for scores:
X_target_test and y_target_test are the same objects as X_target and y_target. With test_subjects,
X_target_test and y_target_test have the windows of these subjects, and X_target the others. Half of
the windows are walking: score by balanced accuracy.

Origin: Matey-Sanz, Casteleyn & Granell, Data in Brief 2023, 109809. Licence: CC BY 4.0.
"""


@loader_docs
def fetch_phone_watch(
    source: str = "phone",
    target: str = "watch",
    *,
    path: DataHome = None,
    signal: bool = False,
    test_subjects: Sequence[int] | None = None,
    data_home: DataHome = None,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Pair:
    r"""Load human activities measured by phone and by watch (classification).

    ===============   =======================================
    Classes                                                 5
    Source windows    2848 (phone) or 2905 (watch), subjects 1 to 11
    Target windows    3162 (phone) or 3226 (watch), subjects 12 to 23
    Features          80, or a signal of shape (6, 32)
    ===============   =======================================

    Parameters
    ----------
    source, target : {"phone", "watch"}
        One of each.
    path : str or path-like, default=None
        A prepared ``.npz`` file (read without checksum), or the folder of a clone of
        the public repository, whose recordings are then cut as the Notes say. None
        reads ``har_phone_watch.npz`` from `data_home`.
    signal : bool, default=False
        Give the raw windows instead of the features.
    test_subjects : sequence of int, default=None
        Subjects among 12 .. 23 to score on; they are left out of the target rows to adapt
        to. None adapts to and scores on all target windows.
    <data_home>
    as_frame : bool, default=False
        Give pandas DataFrames and Series; not with `signal`.
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_source, X_target, X_target_test : ndarray or DataFrame of shape (n, 80), float32
            Features; with `signal`, ndarray of shape (n, 6, 32): acceleration in m/s²
            and angular velocity in rad/s along three axes.
        y_source, y_target, y_target_test : ndarray or Series of shape (n,), int64
            Class numbers. ``y_target`` is for oracles and scores only.
        groups_source, groups_target, groups_target_test : ndarray of shape (n,), int64
            Subject of each window.
        feature_names : ndarray of shape (80,) or (6,)
            Columns, or channels with `signal`.
        <names>

    Raises
    ------
    <local_errors>

    Notes
    -----
    Recipe, from ``DATA/sXX/sXX_YY_{sp|sw}.csv``: average every two samples (about 102 Hz to 51 Hz).
    Cut windows of 32 averaged samples every 16 samples, and keep windows with at least 80 % of one
    label. Add the magnitudes of acceleration and of angular velocity to the six channels. The
    features of these eight series are mean, population standard deviation, minimum, maximum,
    median, interquartile range, mean absolute difference of successive samples, and the power
    :math:`\sum_k |F_k|^2 / 32` of the centred window's Fourier coefficients :math:`k` = 1 to 2, 3
    to 5, 6 to 16.

    References
    ----------
    .. [1] M. Matey-Sanz, S. Casteleyn, C. Granell, "Dataset of inertial measurements of
       smartphones and smartwatches for human activity recognition", Data in Brief 2023.

    Examples
    --------
    >>> from skda.datasets import fetch_phone_watch
    >>> fetch_phone_watch("phone", "watch", signal=True).X_target.shape  # doctest: +SKIP
    (3226, 6, 32)
    """
    check_pair(
        "fetch_phone_watch",
        DOMAINS,
        locals(),
        path=[str, os.PathLike, None],
        test_subjects="no_validation",  # `_in_test` checks them against the data
    )
    if signal and as_frame:
        raise ValueError(
            "as_frame=True of fetch_phone_watch needs signal=False: windows of shape (6, 32) fit "
            "no frame."
        )
    arrays = _read(path, data_home)
    kind = "signal" if signal else "X"
    source_subjects, target_subjects = (arrays[f"{d}_subject"] for d in (source, target))
    in_test = _in_test(target_subjects, test_subjects)
    chosen = {
        "source": (source, source_subjects <= LAST_SOURCE_SUBJECT),
        "target": (target, (target_subjects > LAST_SOURCE_SUBJECT) & ~in_test),
        "target_test": (target, in_test),
    }
    if test_subjects is None:
        del chosen["target_test"]
    rows, groups = {}, {}
    for part, (domain, mask) in chosen.items():
        X = arrays[f"{domain}_{kind}"][mask].astype(np.float32)
        rows[part] = LabelledRows(X, arrays[f"{domain}_y"][mask])
        groups[f"groups_{part}"] = arrays[f"{domain}_subject"][mask].astype(np.int64)
    groups.setdefault("groups_target_test", groups["groups_target"])
    return make_pair(
        **rows,
        feature_names=CHANNELS if signal else FEATURES,
        target_names=CLASSES,
        descr=DESCR,
        as_frame=as_frame,
        return_X_y=return_X_y,
        **groups,
    )


def _read(path: DataHome, data_home: DataHome) -> Arrays:
    if path is not None and (folder := Path(path).expanduser()).is_dir():
        return read_recordings(folder)
    required = [f"{domain}_{key}" for domain in DOMAINS for key in ("X", "signal", "y", "subject")]
    return STORE.read_local(path, data_home, required=required, remedy=REMEDY)


def _in_test(subjects: np.ndarray, test_subjects: Sequence[int] | None) -> np.ndarray:
    if test_subjects is None:
        return np.zeros(len(subjects), dtype=bool)
    available = np.unique(subjects[subjects > LAST_SOURCE_SUBJECT]).tolist()
    wanted = list(test_subjects)
    allowed = all(isinstance(subject, Integral) and subject in available for subject in wanted)
    if not wanted or not allowed or set(wanted) == set(available):
        raise ValueError(
            "The 'test_subjects' parameter of fetch_phone_watch must hold some, but not all, of "
            f"the target's subjects {available}. Got {test_subjects!r} instead."
        )
    return np.isin(subjects, wanted)
