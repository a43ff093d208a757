"""`load`, which makes an estimator from a model file."""

from __future__ import annotations

import os
from typing import Any

from sklearn.base import BaseEstimator

from ..training.modes import training_modes
from ._errors import ModelFileError
from ._file import read
from ._names import Handed
from ._values import Reader

__all__ = ["load"]


def load(path: str | os.PathLike[str], module: Any = None) -> Any:
    """Load a file that `save` wrote, without unpickling and without running code of the file.

    Parameters
    ----------
    path : str or path
    module : class, instance, factory, dict from name to one of these, or None, default=None
        Your own class that the file names but does not hold: a network, a loss, a callback or a
        schedule. Pass several in a dict, by their names. The weights come from the file, and so do
        the arguments of callbacks whose attributes have the names of their parameters. Of a network
        that was an instance, pass an instance made with the same arguments.

    Returns
    -------
    estimator
        With the same parameters, and the same results to the last bit on the same machine.

    Raises
    ------
    ModelFileError
        If the file is damaged or malicious, has a newer format, or names a class that was not
        passed as `module`; if a network of yours has other outputs than the saved one for made-up
        rows. It is a ValueError.
    OSError
        If there is no such file.
    ImportError
        If the file has a step of scikit-learn and the package skops is not installed.

    Notes
    -----
    The file is a safetensors file. Its header holds a checksum and a description in JSON with the
    version of the format. A file can only name classes of a fixed list: skda's estimators, layers
    of ``torch.nn`` and `skda.nn`, optimizers and their schedules, losses, callbacks of skorch that
    write no file, and the classes of scikit-learn that skops trusts. Loading takes at most a small
    multiple of the file's size in memory. Still, a network computes what its file says: predictions
    are only as trustworthy as the file.

    The history of single batches and the state of callbacks are not saved.

    Examples
    --------
    >>> import os, tempfile
    >>> import skda
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = skda.DANNClassifier(max_epochs=2, random_state=0)
    >>> clf = clf.fit(moons.X_source, moons.y_source, moons.X_target)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "moons.safetensors")
    ...     clf.save(path)
    ...     loaded = skda.load(path)
    >>> bool((loaded.predict_proba(moons.X_target) == clf.predict_proba(moons.X_target)).all())
    True
    """
    try:
        with training_modes():  # also in a caller's torch.no_grad() or torch.inference_mode()
            description, tensors = read(path)
            handed = Handed(module, description.get("custom"), description.get("instances", []))
            reader = Reader(tensors, handed)
            estimator = reader.decode(description["model"])
        if not isinstance(estimator, BaseEstimator):
            raise ModelFileError("it holds no estimator. Save the model again")
        if reader.unread:
            raise ModelFileError(
                f"it has tensors that nothing needs, for instance {sorted(reader.unread)[:3]}. "
                "Save the model again"
            )
    except (OSError, ImportError):
        raise
    except ModelFileError as error:
        raise ModelFileError(f"{os.fspath(path)} cannot be loaded: {error}.") from error
    except Exception as error:  # a wrong description can raise errors of any kind
        what = str(error).splitlines()[0] if str(error) else ""
        raise ModelFileError(
            f"{os.fspath(path)} cannot be loaded: its description is not what skda writes "
            f"({type(error).__name__}: {what}). Save the model again."
        ) from error
    return estimator
