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
from ..nn._units import in_input_units
from ..training.data.inputs import Inputs
from ._rows import rows_of_zeros

if TYPE_CHECKING:
    from .._typing import Domain

__all__ = ["ExportMixin"]


class ExportMixin:
    """`to_module` and `export` of an estimator, or of a search for its best estimator."""

    def _exported(self) -> Any:
        """Return the fitted estimator that owns the net."""
        check_is_fitted(self, "net_")
        return self

    def to_module(self, domain: Domain = "target") -> nn.Module:
        """Return the network with the batch statistics of one domain, as a plain module.

        Do not use ``net_.module_`` for target rows: it holds the statistics of the source, so that
        an explainer, for example, would get other logits than `decision_function`.

        Parameters
        ----------
        domain : {"target", "source"}, default="target"
            The domain of the rows that the module will get.

        Returns
        -------
        nn.Module
            Maps rows, float32 of shape (n_rows, ...), to logits of shape (n_rows, n_classes); for
            a regressor to predictions in the units of its labels, (n_rows, n_outputs). The module
            is a copy on the CPU, in eval mode and in float32 (also with `amp`). If the estimator
            has an `input_centre_`, the module takes float64 rows and subtracts the centre itself;
            float32 rows are a TypeError. Of labels that float32 cannot hold, the predictions are
            float64.

        See Also
        --------
        export : Writes it to a file.

        Notes
        -----
        The rows are those that the estimator gets: in a Pipeline, those that the last step gets.

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
        network = in_input_units(network.cpu(), vars(estimator).get("input_centre_"))
        in_units: nn.Module = estimator._in_units(network)  # noqa: SLF001
        return in_units.eval()

    def export(
        self, path: str | os.PathLike[str], format: str = "onnx", domain: Domain = "target"
    ) -> None:
        """Write the network of one domain to a file for other programs.

        Parameters
        ----------
        path : str or path
            The file; an older one is replaced in one step.
        format : {"onnx", "torch.export"}, default="onnx"
            "onnx" needs the package onnxscript: ``pip install "skda[onnx]"``. "torch.export" is
            read with ``torch.export.load(path).module()``, without skda.
        domain : {"target", "source"}, default="target"
            The domain of the rows that the network will get.

        Raises
        ------
        ValueError
            If `format` or `domain` has another value.
        ImportError
            If onnxscript is not installed.

        See Also
        --------
        to_module : Returns the network that this method writes.

        Notes
        -----
        The input is named "rows", float32 of shape (n_rows, ...) with any number of rows; it is
        float64 if the estimator has an `input_centre_`, which the file subtracts. If the module
        takes several inputs, an ONNX file has an input of each name, and the network of
        "torch.export" takes one dict. The output of a classifier is named "logits",
        (n_rows, n_classes); its softmax is `predict_proba`. The metadata "classes" of an ONNX file
        has the labels in the order of the columns, in JSON. The output of a regressor is named
        "outputs", (n_rows, n_outputs), in the units of `y`.

        The other steps of a Pipeline are not exported: the network needs the rows that the last
        step gets. Convert the other steps with the package skl2onnx, or put a module ``Scale`` of
        your own before the network, as in
        ``nn.Sequential(Scale(scaler.mean_, scaler.scale_), clf.to_module())``, and export both with
        torch.

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
        rows = _example(estimator)
        output = _Output(estimator._outputs.name, estimator._metadata())  # noqa: SLF001
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # torch warns about its own exporter
            write_atomically(path, lambda new: _FORMATS[format](network, rows, output, new))


ExportedRows = Tensor | dict[str, Tensor]


class _Output(NamedTuple):
    """The name of a network's output, and the metadata of the file."""

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


def _example(estimator: Any) -> ExportedRows:
    """Return rows of zeros in the types that the network takes."""
    rows, centre = rows_of_zeros(estimator, 3), vars(estimator).get("input_centre_")
    if isinstance(rows, Inputs):
        return {name: _typed(part, (centre or {}).get(name)) for name, part in rows.items()}
    return _typed(rows, centre)


def _typed(rows: Tensor, centre: Any) -> Tensor:
    rows = rows if centre is None else rows.double()
    return rows.to(memory_format=torch.contiguous_format)


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
