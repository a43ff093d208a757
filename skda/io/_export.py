"""The network of one domain as a plain module, and as a file for other programs."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from .._atomic import write_atomically
from ..training.data.inputs import Inputs
from ._rows import rows_of_zeros

if TYPE_CHECKING:
    from .._typing import Domain

__all__ = ["ExportMixin"]


class ExportMixin:
    """`to_module` and `export` of an estimator, or of a search that delegates to one."""

    def _exported(self) -> Any:
        """Return the fitted estimator that owns the net."""
        check_is_fitted(self, "net_")
        return self

    def to_module(self, domain: Domain = "target") -> nn.Module:
        """Return the network with the batch statistics of one domain, as a plain module.

        ``net_.module_`` holds the statistics of the source: what runs it on target rows, such as
        an explainer, gets other logits than `decision_function`.

        Parameters
        ----------
        domain : {"target", "source"}, default="target"
            Where the rows that it will be given come from.

        Returns
        -------
        nn.Module
            From rows, float32 of shape (n_rows, ...), to logits of shape (n_rows, n_classes), or
            of a regressor to predictions in the units of its labels, (n_rows, n_outputs). It is a
            copy on the CPU, in eval mode and in float32 (also with `amp`).

        See Also
        --------
        export : Writes it to a file.

        Notes
        -----
        The rows are those that the estimator is given: of a Pipeline, those of its last step.

        Examples
        --------
        >>> import torch
        >>> from skda import DANNClassifier
        >>> from skda.datasets import make_rotated_moons
        >>> moons = make_rotated_moons(random_state=0)
        >>> clf = DANNClassifier(max_epochs=2, random_state=0)
        >>> clf = clf.fit(moons.X_source, moons.y_source, moons.X_target)
        >>> rows = torch.tensor(moons.X_target, dtype=torch.float32)
        >>> probabilities = clf.to_module()(rows).softmax(dim=1).detach().numpy()
        >>> bool(abs(probabilities - clf.predict_proba(moons.X_target)).max() < 1e-6)
        True
        """
        estimator = self._exported()
        net, key = estimator._net_and_key(domain)  # noqa: SLF001
        network: nn.Module = net.domain_module_.network_of(key)
        in_units: nn.Module = estimator._in_units(network.cpu())  # noqa: SLF001
        return in_units.eval()

    def export(
        self, path: str | os.PathLike[str], format: str = "onnx", domain: Domain = "target"
    ) -> None:
        """Write the network of one domain to a file for other programs.

        Parameters
        ----------
        path : str or path
            The file; one that is there is replaced in one step.
        format : {"onnx", "torch.export"}, default="onnx"
            "onnx" needs the package onnxscript: ``pip install "skda[onnx]"``. "torch.export" is
            read with ``torch.export.load(path).module()``, without skda.
        domain : {"target", "source"}, default="target"
            Where the rows that it will be given come from.

        Raises
        ------
        ValueError
            If `format` or `domain` is none of these.
        ImportError
            If onnxscript is not installed.

        See Also
        --------
        to_module : Returns what is written here.

        Notes
        -----
        The input is named "rows", float32 of shape (n_rows, ...) with any number of rows. Where
        the module takes several inputs, those of an ONNX file have their names, and the network
        of "torch.export" takes one dict of them. The output is named "logits",
        (n_rows, n_classes). Their softmax is `predict_proba`. The labels in the order of the
        columns are in the metadata "classes" of an ONNX file, in JSON. The output of a regressor
        is named "outputs", (n_rows, n_outputs), in the units of `y`.

        The other steps of a Pipeline are not exported: give the network what its last step is
        given. Convert them with the package skl2onnx, or put a scaler before the network, as in
        ``nn.Sequential(Scale(scaler.mean_, scaler.scale_), clf.to_module())`` with a module
        ``Scale`` of yours, and export that by torch.

        Examples
        --------
        >>> import os, tempfile
        >>> import torch
        >>> from skda import DANNClassifier
        >>> from skda.datasets import make_rotated_moons
        >>> moons = make_rotated_moons(random_state=0)
        >>> clf = DANNClassifier(max_epochs=2, random_state=0)
        >>> clf = clf.fit(moons.X_source, moons.y_source, moons.X_target)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "moons.pt2")
        ...     clf.export(path, format="torch.export")
        ...     network = torch.export.load(path).module()
        >>> network(torch.zeros(5, 2)).shape
        torch.Size([5, 2])
        """
        if format not in _FORMATS:
            raise ValueError(
                f"The 'format' parameter must be one of {sorted(_FORMATS)}. Got {format!r} instead."
            )
        estimator = self._exported()
        network = _FromRows(self.to_module(domain))
        rows = rows_of_zeros(estimator, 3)
        rows = rows.to(memory_format=torch.contiguous_format)
        if isinstance(rows, Inputs):
            rows = dict(rows)
        output = _Output(estimator._outputs.name, estimator._metadata())  # noqa: SLF001
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # what torch tells of its own exporter
            write_atomically(path, lambda new: _FORMATS[format](network, rows, output, new))


ExportedRows = Tensor | dict[str, Tensor]


class _Output(NamedTuple):
    """The name of what a network returns, and what other programs are told of it."""

    name: str
    metadata: dict[str, str]


class _FromRows(nn.Module):
    """A network whose argument is named."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.eval()

    def forward(self, rows: ExportedRows) -> Tensor:
        logits: Tensor = self.network(**rows) if isinstance(rows, dict) else self.network(rows)
        return logits


def _any_number(rows: ExportedRows) -> Any:
    free = {0: torch.export.Dim("n_rows", min=1)}
    return {"rows": dict.fromkeys(rows, free) if isinstance(rows, dict) else free}


def _write_onnx(network: nn.Module, rows: ExportedRows, output: _Output, path: Path) -> None:
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "The 'format' parameter is 'onnx', which needs the package onnxscript: "
            'pip install "skda[onnx]".'
        ) from error
    program: Any = torch.onnx.export(
        network,
        (),
        kwargs={"rows": rows},
        input_names=list(rows) if isinstance(rows, dict) else ["rows"],
        output_names=[output.name],
        dynamic_shapes=_any_number(rows),
        dynamo=True,
        verbose=False,
    )
    program.model.metadata_props.update(output.metadata)
    program.save(path, external_data=False)


def _write_exported(network: nn.Module, rows: ExportedRows, output: _Output, path: Path) -> None:
    program = torch.export.export(network, (rows,), dynamic_shapes=_any_number(rows))
    torch.export.save(program, path, extra_files=output.metadata)


_FORMATS = {"onnx": _write_onnx, "torch.export": _write_exported}
