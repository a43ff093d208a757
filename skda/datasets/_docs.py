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
    "output_names": """
target_names : ndarray of shape (n_outputs,)
    Names of the numbers to predict.
DESCR : str
    Description.
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
    Number of target images to adapt to, at least 10. The remaining digits, 297 by default
    and at least 10, are the target test images.
""",
    "digits": """
X_source : ndarray of shape (n_source, n_channels, 16, 16), float32
    From 0 (paper) to 1 (ink), the same in all channels.
y_source : ndarray of shape (n_source,), int64
    The digits.
X_target : ndarray of shape (n_target, n_channels, 16, 16), float32
    Images from 0 to 1.
y_target : ndarray of shape (n_target,), int64
    The digits of the target images. Use them for oracles and scores only: not to train and
    not to select a model.
X_target_test : ndarray of shape (1797 - n_source - n_target, n_channels, 16, 16), float32
    Further target images, to score on.
y_target_test : ndarray of shape (1797 - n_source - n_target,), int64
    Their digits.
rows_source, rows_target, rows_target_test : ndarray of shape (n_part,), int64
    The rows of :func:`sklearn.datasets.load_digits` that the images come from.
feature_names : ndarray of shape (n_channels,)
    Names of the channels.
""",
}
loader_docs = shared_docs(PARTS)
