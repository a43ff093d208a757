"""Parts of the loaders' docstrings."""

from .._docstrings import shared_docs

_DATA_HOME = """
data_home : str or path-like, default=None
    Folder to read from and cache in; by default the environment variable
    ``SKDA_DATA_HOME``, else ``~/skda_data``.
"""
_NAMES = """
target_names : ndarray of shape (n_classes,)
    Class names.
DESCR : str
    Description.
"""
PARTS = {
    "data_home": _DATA_HOME,
    "download": f"""{_DATA_HOME.rstrip()}
download_if_missing : bool, default=True
    False raises an OSError instead of downloading.
progress : bool, default=False
    Show a progress bar while downloading; needs tqdm.
""",
    "as_frame": """
as_frame : bool, default=False
    Return pandas DataFrames and Series instead of arrays.
""",
    "return_X_y": """
return_X_y : bool, default=False
    Return ``(X_source, y_source, X_target, y_target)`` instead of a Bunch.
""",
    "target_test_is_target": """
X_target_test, y_target_test : the same objects as X_target, y_target
    The protocol has no separate test set.
""",
    "names": _NAMES,
    "output_names": _NAMES.replace("n_classes", "n_outputs").replace(
        "Class names", "Names of the numbers to predict"
    ),
    "local_errors": """
FileNotFoundError
    Neither `path` nor the cache folder holds the data.
ValueError
    A parameter is not allowed, or the cached file has a wrong checksum.
""",
    "tuple": """
(X_source, y_source, X_target, y_target) : tuple if ``return_X_y`` is True
    The training rows of both domains.
""",
    "download_errors": """
OSError
    A file is neither in the cache nor available at its public address.
ValueError
    A parameter is not allowed, or a cached file has a wrong checksum.
""",
    "parameter_errors": """
ValueError
    A parameter is not allowed (a TypeError if its type is wrong).
""",
    "digit_counts": """
n_source : int, default=900
    Number of source images, at least 10.
n_target : int, default=600
    Number of target images to adapt to, at least 10. The other digits, 297 by default and at least
    10, are the target test images.
""",
    "digits": """
X_source, X_target, X_target_test : ndarray of shape (n_part, n_channels, 16, 16), float32
    Images from 0 to 1; in the source from 0 (paper) to 1 (ink), the same in all channels. Adapt to
    ``X_target``, score on ``X_target_test``.
y_source, y_target, y_target_test : ndarray of shape (n_part,), int64
    The digits. ``y_target`` is for oracles and scores only: not to train and not to select a model.
rows_source, rows_target, rows_target_test : ndarray of shape (n_part,), int64
    The rows of :func:`sklearn.datasets.load_digits` that the images come from.
feature_names : ndarray of shape (n_channels,)
    Names of the channels.
""",
}
loader_docs = shared_docs(PARTS)
