"""Call a user's network before it is trained, and bring its output to logits or numbers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer

from ..nn import Backbone, replace_head
from ..nn._run import ends_of, main_output, note_run, run_of, two_logits
from ..training import isolated_rng
from ..training.data.inputs import Inputs, pass_by_name
from .outputs import LOGITS, Outputs

__all__ = [
    "RefusedRowsError",
    "ToOutputs",
    "checked_discriminator",
    "first_run",
    "fit_head",
    "give_outputs",
    "unchanged",
]

_N_ROWS = 5  # enough for batch normalisation, and hardly ever the size of another axis


class RefusedRowsError(ValueError):
    """A network cannot be called on the rows."""


@contextmanager
def _naming(name: str, rows: Tensor) -> Iterator[None]:
    """Raise an error that names a network's parameter where calling it on `rows` fails."""
    try:
        yield
    except Exception as error:
        raise RefusedRowsError(
            f"The '{name}' parameter must be a network that takes {_expected(rows)}. "
            f"Called with {'X_source' if name == 'module' else 'features'} "
            f"{_described(rows)}, it raised {type(error).__name__}: {error}. Give "
            "further arguments of its forward a default, cast what it makes itself to the dtype "
            "of the rows, and rows that it embeds to integers, x.long()."
        ) from error


def _expected(rows: Any) -> str:
    if isinstance(rows, Inputs):
        return f"its inputs by name, forward({', '.join(f'{name}=...' for name in rows)})"
    return "one argument, a batch of rows"


def _described(rows: Any) -> str:
    if isinstance(rows, Inputs):
        return ", ".join(f"{name!r} {_described(part)}" for name, part in rows.items())
    return f"of shape {tuple(rows.shape)}, {str(rows.dtype).removeprefix('torch.')}"


def first_run(module: nn.Module, rows: Tensor, name: str = "module") -> nn.Module:
    """Run a network once: lazy layers get sizes, weights become float32, the `Run` is noted."""
    module.float()
    if isinstance(rows, Inputs):  # here several inputs become arguments
        module.register_forward_pre_hook(pass_by_name, with_kwargs=True)
    with unchanged(module, training=False), _naming(name, rows):
        note_run(module, rows)
    return module.float()  # lazy layers are of torch's default dtype


def fit_head(module: nn.Module, rows: Tensor, n_outputs: int) -> None:
    """Give a pretrained network, after `first_run`, a new classifier if its width is another."""
    with unchanged(module, training=False), torch.no_grad():
        output = main_output(module(rows))
    head = getattr(run_of(module), "head", None)
    width = output.shape[1] if isinstance(output, Tensor) and output.ndim == 2 else n_outputs
    fits = width == n_outputs or (width == 1 and n_outputs == 2)  # one logit for two classes
    if head and not fits and module.get_submodule(head).out_features == width:
        replace_head(module, n_outputs)
    if isinstance(module, Backbone):
        _warn_of_range(module, rows)
        module.note_head()
        module.begin_training()


def _warn_of_range(backbone: Backbone, rows: Any) -> None:
    """Warn of pixels from 0 to 1 for a network that normalises pixels from 0 to 255."""
    if not isinstance(rows, Tensor) or rows.is_meta or backbone.mean.is_meta:
        return
    if backbone.mean.max() > 2 and 0 < rows.abs().max() <= 1:
        warnings.warn(
            "The 'module' parameter is a Backbone with mean and std for pixels from 0 to 255, and "
            "the first rows of X_source have none above 1. Pass uint8 pixels, or multiply by 255.",
            stacklevel=2,
        )


def _in_both_modes(module: nn.Module, rows: Tensor, name: str) -> list[Any]:
    """Return the outputs for five rows in evaluation and, with gradients, in training mode."""
    rows = rows[torch.arange(_N_ROWS) % len(rows)]
    outputs = []
    for training in (False, True):
        with unchanged(module, training), _naming(name, rows), torch.set_grad_enabled(training):
            outputs.append(module(rows))
    return outputs


def _refuse_untrainable(output: Tensor, name: str) -> None:
    """Raise ValueError unless a network's output in training is of floats and has a gradient."""
    if output.is_floating_point() and output.requires_grad:
        return
    what = "without a gradient" if output.is_floating_point() else f"of {output.dtype}"
    raise ValueError(
        f"The '{name}' parameter must be a network whose outputs are real numbers that depend on "
        f"its weights. Got outputs {what}: leave out detach(), no_grad() and argmax(), and let "
        "some parameters require a gradient."
    )


@contextmanager
def unchanged(module: nn.Module, training: bool) -> Iterator[None]:
    """Set the mode in the with block; restore modes, buffers and torch's random state after it."""
    modes = [(m, m.training) for m in module.modules()]
    buffers = [(b, b.clone()) for b in module.buffers() if not isinstance(b, UninitializedBuffer)]
    module.train(training)
    try:
        with isolated_rng(0, torch.device("cpu")):
            yield
    finally:
        for submodule, mode in modes:
            submodule.training = mode
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)


class ToOutputs:
    """Forward hook that turns what a network returns into float32 outputs (n_rows, n_outputs).

    It applies the inverse of `undo`, the "softmax" or "sigmoid" that the network ends in. With
    `one_column`, one number for each row is one output, and not the logit of two classes.
    """

    def __init__(self, undo: str | None, one_column: bool = False) -> None:
        self.undo = undo
        self.one_column = one_column

    def __call__(self, _module: nn.Module, _args: Any, output: Any) -> Tensor:
        """Return the outputs; one logit z becomes (0, z), whose softmax is the sigmoid of z."""
        logits = _to_logits(main_output(output).float(), self.undo)
        return logits.reshape(-1, 1) if self.one_column else two_logits(logits)


class ToLogits:
    """Forward hook that turns the probabilities of a sigmoid or a softmax into logits."""

    def __init__(self, undo: str | None) -> None:
        self.undo = undo

    def __call__(self, _module: nn.Module, _args: Any, output: Tensor) -> Tensor:
        """Return the logits."""
        return _to_logits(output, self.undo)


def _to_logits(output: Tensor, undo: str | None) -> Tensor:
    """Undo a softmax or a sigmoid, with a finite gradient also where a probability is 0 or 1."""
    if undo == "softmax":
        return output.clamp_min(torch.finfo(torch.float32).tiny).log()
    return output.logit(eps=1e-7) if undo == "sigmoid" else output


def give_outputs(module: nn.Module, rows: Tensor, n_outputs: int, kind: Outputs = LOGITS) -> None:
    """Let `module`, after `first_run`, return outputs of shape (n_rows, n_outputs).

    It may return another form: a tuple with the outputs first or a structure with a field
    ``logits``, always or in training only; probabilities; one logit for two classes; or a vector of
    one number a row. `probe` refuses all others.
    """
    outputs = _in_both_modes(module, rows, "module")
    first = [main_output(output) for output in outputs]
    one_column = n_outputs == (2 if kind.are_logits else 1)
    shapes = [(_N_ROWS, n_outputs), *([(_N_ROWS, 1), (_N_ROWS,)] if one_column else [])]
    evaluated, trained = [tuple(f.shape) if isinstance(f, Tensor) else None for f in first]
    if evaluated not in shapes:
        _refuse_other_axis(module, rows, evaluated, n_outputs, kind)
        return
    if trained not in shapes:
        raise ValueError(
            f"The 'module' parameter must be a network that returns {kind.shape}, here "
            f"{shapes[0]}, in training mode as well. Got "
            f"{trained or type(first[1]).__name__} there."
        )
    _refuse_untrainable(first[1], "module")
    first = [output.detach() for output in first]
    _refuse_mixed_rows(module, first[0])
    _warn_of_other_rows(module, rows, first[0])
    structured = next((o for o in outputs if not isinstance(o, Tensor)), None)
    if structured is not None:
        warnings.warn(
            f"The 'module' parameter is a network that returns a {type(structured).__name__}. Its "
            f"first element (or field logits) is trained and predicted as the {kind.name}; the "
            "others are not used.",
            stacklevel=2,
        )
    undo = _squashed(module, first) if kind.are_logits else None
    ends_in = None if kind.are_logits else getattr(run_of(module), "ends_in", None)
    if ends_in:
        warnings.warn(
            f"The 'module' parameter is a network that ends in a {ends_in}, so that its outputs "
            f"are bounded. The labels of a regressor are standardised: leave the {ends_in} out.",
            stacklevel=2,
        )
    if undo:
        warnings.warn(
            f"The 'module' parameter is a network that returns probabilities, not logits. The "
            f"inverse of its {undo} is applied to them: leave the {undo} out.",
            stacklevel=2,
        )
    plain = evaluated == trained == shapes[0] and all(f.dtype == torch.float32 for f in first)
    if structured is not None or undo or not plain:
        module.register_forward_hook(ToOutputs(undo, not kind.are_logits and n_outputs == 1))


def _refuse_other_axis(
    module: nn.Module, rows: Tensor, shape: Any, n_outputs: int, kind: Outputs
) -> None:
    """Raise ValueError if outputs of two rows have the right shape by chance: (classes, rows)."""
    if shape is None:
        return
    with unchanged(module, training=False), torch.no_grad():
        of_two = main_output(module(rows[torch.arange(2) % len(rows)]))
    if tuple(of_two.shape) == (2, n_outputs):
        raise ValueError(
            f"The 'module' parameter must be a network that returns {kind.shape}, here "
            f"{(_N_ROWS, n_outputs)}. Got {shape} instead."
        )


def _refuse_mixed_rows(module: nn.Module, output: Tensor) -> None:
    """Raise ValueError where a network ends in a softmax over the rows, as with dim=0."""
    ends_in = getattr(run_of(module), "ends_in", None)
    if ends_in not in ("softmax", "logsoftmax") or output.ndim != 2:
        return
    shares = output.exp() if ends_in == "logsoftmax" else output
    of_column, of_row = (shares.float().sum(axis) for axis in (0, 1))
    one = torch.ones(1)
    if torch.allclose(of_column, one, atol=1e-4) and not torch.allclose(of_row, one, atol=1e-4):
        raise ValueError(
            "The 'module' parameter is a network that ends in a softmax over the rows of a batch, "
            "as with dim=0. Leave it out, or take it over the classes, dim=1."
        )


def _warn_of_other_rows(module: nn.Module, rows: Tensor, output: Tensor) -> None:
    """Warn if in evaluation mode the output of a row is random, or depends on the other rows."""
    pairs = torch.tensor([[0, 3], [0, 3], [0, 2], [1, 3]])  # of two rows a and b: ab, ab, aa, bb
    with unchanged(module, training=False), torch.no_grad():
        found = [main_output(module(rows[pair % len(rows)])).float() for pair in pairs]
    same = partial(torch.allclose, rtol=1e-3, atol=1e-4 * float(output.abs().max()), equal_nan=True)
    if not same(*found[:2]):
        warnings.warn(
            "The 'module' parameter is a network whose outputs for the same rows change from call "
            "to call in evaluation mode: predictions cannot be repeated. It draws random numbers, "
            "as torch.nn.functional.dropout does without training=self.training, or keeps a state.",
            stacklevel=2,
        )
    elif not all(map(same, found, output[pairs].float())):
        warnings.warn(
            "The 'module' parameter is a network whose output for a row depends, in evaluation "
            "mode, on the other rows of its batch: predictions change with the rows that are "
            "passed together. Let recurrent layers and attention have batch_first=True, batch "
            "normalisation track_running_stats=True, and take no statistics over the first axis.",
            stacklevel=2,
        )


def _squashed(module: nn.Module, outputs: list[Tensor]) -> str | None:
    """Return the function that made the outputs probabilities, or None."""
    run = run_of(module)
    if run is not None and run.ends_in == "sigmoid":
        return "sigmoid"
    sums = [o.float().sum(dim=-1) for o in outputs if o.ndim == 2 and o.shape[1] > 1]
    of_one = [torch.allclose(s, torch.ones_like(s), atol=1e-4) for s in sums]
    positive = all(bool((o >= 0).all()) for o in outputs)
    return "softmax" if of_one and all(of_one) and positive else None


def checked_discriminator(
    discriminator: nn.Module, n_features: int, n_outputs: int = 1
) -> nn.Module:
    """Return a discriminator that was called in both modes.

    Raises ValueError if it does not return `n_outputs` numbers for each row of features.
    """
    shape = (_N_ROWS, n_outputs)
    accepted = [shape, *([(_N_ROWS,)] if n_outputs == 1 else [])]
    kind = "one logit" if n_outputs == 1 else f"{n_outputs} logits, one of each domain,"
    shapes = "(n_rows,) or (n_rows, 1)" if n_outputs == 1 else f"(n_rows, {n_outputs})"
    rows = torch.linspace(-1, 1, _N_ROWS * n_features).float().reshape(_N_ROWS, n_features)
    outputs = _in_both_modes(discriminator.float(), rows, "discriminator")
    for output in outputs:
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        if got not in accepted:
            raise ValueError(
                f"The 'discriminator' parameter must be a network that returns {kind} for each "
                f"row, of shape {shapes}, here {shape}. Got {got} instead."
            )
    _refuse_untrainable(outputs[1], "discriminator")
    ends = ends_of(outputs[1])
    if ends in ("sigmoid", "softmax"):
        warnings.warn(
            "The 'discriminator' parameter is a network that returns probabilities, not logits. "
            f"The inverse of its {ends} is applied to them: leave the {ends} out.",
            stacklevel=2,
        )
        discriminator.register_forward_hook(ToLogits(ends))
    return discriminator.float()
