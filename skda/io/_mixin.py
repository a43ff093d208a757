"""`save` of estimators, and the description of the nets that an estimator owns."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Any, ClassVar

from torch import Tensor, nn

from .._docstrings import shared_docs
from .._python_numbers import python_numbers
from .._version import __version__
from ..training import AdaptationNet
from ._errors import ModelFileError
from ._export import ExportMixin
from ._file import write
from ._nets import describe_net, make_net
from ._plain import PlainWriter
from ._values import Reader, Writer

__all__ = ["NetStoreMixin", "SaveMixin", "save"]

_PACKAGES = "torch", "scikit-learn", "skorch", "numpy"
_DOCS = {
    "optimizer": """
optimizer : bool, default=False
    Whether to keep the state of the optimizer, so that `partial_fit` continues as if the model had
    never been saved. For Adam the state is twice as large as the weights.
""",
    "raises": """
ValueError
    If the file cannot hold a part of the estimator, which the message names.
OSError
    If the file cannot be written. An older file at `path` then stays as it is.
""",
}
_save_docs = shared_docs(_DOCS)


@_save_docs
def save(estimator: Any, path: str | os.PathLike[str], *, optimizer: bool = False) -> None:
    """Save an estimator, a search, a transformer or a Pipeline of these to one file.

    Parameters
    ----------
    estimator : estimator
        One of skda's, or a scikit-learn ``Pipeline``, fitted or not. Its steps that are
        scikit-learn's need the package skops: ``pip install "skda[skops]"``.
    path : str or path
        The file; an older one is replaced in one step, after the new one is on the disk.
    <optimizer>

    Raises
    ------
    <raises>

    See Also
    --------
    skda.load : Its inverse.

    Examples
    --------
    This function saves a plain ``Pipeline``, which has no method `save`. skda's estimators,
    searches, transformers and the pipelines of `skda.make_pipeline` have this method.

    >>> import os, tempfile
    >>> from sklearn.pipeline import Pipeline
    >>> import skda
    >>> pipe = Pipeline([("scale", skda.DomainStandardScaler()), ("align", skda.CORAL(reg=0.1))])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "pipe.safetensors")
    ...     skda.io.save(pipe, path)
    ...     loaded = skda.load(path)
    >>> loaded["align"]
    CORAL(reg=0.1)
    """
    writer = Writer(optimizer)
    node = writer.encode(estimator, "model")
    versions = {"python": platform.python_version(), "skda": __version__}
    versions |= {name: version(name) for name in _PACKAGES}
    description = {"versions": versions, "custom": writer.custom}
    description |= {"instances": writer.instances, "model": node}
    write(path, description, writer.tensors)


class SaveMixin:
    """The method `save`, the inverse of `skda.load`."""

    @_save_docs
    def save(self, path: str | os.PathLike[str], *, optimizer: bool = False) -> None:
        """Save to one file, from which `skda.load` makes an equal estimator without any pickle.

        Parameters
        ----------
        path : str or path
            The file, by convention ``.safetensors``. An older one is replaced in one step.
        <optimizer>

        Raises
        ------
        <raises>

        See Also
        --------
        skda.load : Its inverse.

        Notes
        -----
        The file holds the parameters, the weights of the network and of the modules that the
        method trains beside the network, the statistics of both domains and the history. A network
        of layers of `skda.nn` and ``torch.nn`` is described layer by layer. For a class of your own
        the file has only the name: pass the class to `skda.load`, or of an instance that takes
        arguments, an instance made with the same ones.

        Examples
        --------
        >>> import os, tempfile
        >>> import skda
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "scaler.safetensors")
        ...     scaler = skda.DomainStandardScaler().fit([[0.0], [2.0]], X_target=[[5.0], [9.0]])
        ...     scaler.save(path)
        ...     skda.load(path).transform([[9.0]])
        array([[1.]])
        """
        save(self, path, optimizer=optimizer)


class NetStoreMixin(ExportMixin, SaveMixin):
    """`save`, `to_module` and `export` of an estimator that owns nets."""

    # members of the estimator
    net_: AdaptationNet
    _assemble: Callable[..., AdaptationNet]
    _make_module: Callable[..., nn.Module]
    _set_since_training: Callable[[], dict[str, Any]]

    # attributes that are nets, in the order in which they are made
    _net_names: ClassVar[Sequence[str]] = ("net_",)

    def _describe_nets(self, writer: Writer, where: str) -> dict[str, Any]:
        """Return the descriptions of all nets."""
        nets = {name: vars(self)[name] for name in self._net_names if name in vars(self)}
        described: dict[str, Any] = {}
        for name, net in nets.items():
            same = next((other for other in described if nets[other] is net), None)
            described[name] = (
                {"same": same} if same else describe_net(writer, self, net, f"{where}.{name}")
            )
        return described

    def _take_nets(self, reader: Reader, nets: dict[str, Any]) -> None:
        """Make the nets from their descriptions."""
        if "net_" not in nets or not set(nets) <= set(self._net_names):
            raise ModelFileError(f"it has the nets {sorted(nets)}. Save the model again")
        for name in self._net_names:
            if name in nets:
                same = nets[name].get("same")
                net = vars(self)[same] if same else make_net(reader, self, name, nets[name])
                vars(self)[name] = net

    def _describe_earlier_params(self) -> dict[str, Any]:
        """Describe what the parameters set since the training were in it, for `partial_fit`."""
        return {name: _brief(value) for name, value in self._set_since_training().items()}

    def _rebuild_module(self, rows: Tensor, n_classes: int) -> nn.Module:
        """Make the network as `fit` did, to load the weights of a file into it."""
        return self._make_module(rows, n_classes)

    def _assemble_net(
        self,
        name: str,  # noqa: ARG002 - for a method of several nets
        module: nn.Module,
        **options: Any,
    ) -> AdaptationNet:
        """Make the net `name` around its network."""
        return self._assemble(module, **options)


def _brief(value: Any) -> Any:
    """Describe a value in JSON alone, by its representation where it has tensors or other code."""
    writer = PlainWriter()
    with suppress(ValueError):
        described = writer.encode(python_numbers(value), "")
        if not writer.tensors:
            return described
    return repr(value)  # partial_fit compares it and shows it, and does not use it
