"""Estimators, described by class, parameters, fitted attributes and nets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn import config_context
from sklearn.pipeline import Pipeline
from sklearn.utils._metadata_requests import SIMPLE_METHODS as METHODS

from .._inputs.host import is_series
from ._errors import ModelFileError
from ._names import estimator_class, is_public
from ._plain import expect

if TYPE_CHECKING:
    from ._values import Reader, Writer

__all__ = ["describe_estimator", "make_estimator"]

_COMPILE = "compile__mode", "compile__dynamic", "compile__fullgraph"
_ROUTING = "_metadata_request"
_OUTPUT = "_sklearn_output_config"  # what set_output sets


def describe_estimator(writer: Writer, estimator: Any, where: str) -> dict[str, Any]:
    """Describe an estimator, fitted or not."""
    cls = type(estimator)
    name = cls.__name__ if is_public(cls) else writer.noted(cls.__name__, cls, where)
    pipeline = isinstance(estimator, Pipeline)
    params = estimator.get_params(deep=False)
    for key, value in params.items():
        if _may_run_code(key, value):
            raise ValueError(
                f"A model file cannot hold {where}.{key}={value!r}, from which another program "
                "could be run. Set it to None or leave it out before you save."
            )
    outside, writer.of_parameters = writer.of_parameters, not pipeline
    # numbers of the classes may be in a Series, which means the same as a dict
    plain = {key: v.to_dict() if is_series(v) else v for key, v in params.items()}
    described = {key: writer.encode(value, f"{where}.{key}") for key, value in plain.items()}
    writer.of_parameters = False
    state = {k: v for k, v in vars(estimator).items() if k not in params and _is_fitted(k)}
    nets = estimator._describe_nets(writer, where) if hasattr(estimator, "_describe_nets") else {}  # noqa: SLF001
    earlier = estimator._describe_earlier_params() if nets else {}  # noqa: SLF001
    for net in nets:
        del state[net]
    fitted = {key: writer.encode(value, f"{where}.{key}") for key, value in state.items()}
    writer.of_parameters = outside
    return {
        "class": name,
        "params": described,
        "fitted": fitted,
        "nets": nets,
        "requests": _requests(estimator),
        **({"earlier_params": earlier} if earlier else {}),
    }


def _may_run_code(key: str, value: Any) -> bool:
    """Say whether a parameter names a folder of pickles or options of a compiler."""
    if key == "memory":
        return value is not None
    return key.startswith("compile__") and key not in _COMPILE


def _requests(estimator: Any) -> dict[str, dict[str, Any]]:
    """Return, by method, what ``set_fit_request`` and the like have set."""
    if _ROUTING not in vars(estimator):
        return {}
    by_method = {name: dict(getattr(vars(estimator)[_ROUTING], name).requests) for name in METHODS}
    return {name: requests for name, requests in by_method.items() if requests}


def _set_requests(estimator: Any, node: Any) -> None:
    for method, requests in expect(node, dict, "the requests").items():
        if method not in METHODS or not all(
            isinstance(alias, (bool, str, type(None))) for alias in requests.values()
        ):
            raise ModelFileError("its metadata requests are none. Save the model again")
        with config_context(enable_metadata_routing=True):
            getattr(estimator, f"set_{method}_request")(**requests)


def _is_fitted(name: str) -> bool:
    return name == _OUTPUT or (name.endswith("_") and not name.startswith("_"))


def make_estimator(reader: Reader, node: Any) -> Any:
    """Make an estimator from its description."""
    cls = estimator_class(node["class"], reader.handed)
    params = expect(node["params"], dict, "the parameters of an estimator")
    given = {key: reader.decode(value) for key, value in params.items()}
    if any(_may_run_code(key, value) for key, value in given.items()):
        raise ModelFileError(
            "it has a parameter from which another program could be run, 'memory' or one of "
            "'compile__'. Load files of those whom you trust, and save the model again"
        )
    estimator: Any = cls(**given)
    for key, value in expect(node["fitted"], dict, "the fitted attributes").items():
        own = isinstance(getattr(cls, key, None), property) or key in getattr(cls, "_net_names", ())
        if own or not _is_fitted(key):
            raise ModelFileError(f"no fitted {cls.__name__} has {key!r}. Save the model again")
        vars(estimator)[key] = reader.decode(value)
    _set_requests(estimator, node.get("requests", {}))
    _check_fitted(estimator)
    if hasattr(estimator, "_map_rows") and node["fitted"]:
        _map_a_row(estimator, reader.n_bytes)
    nets = expect(node["nets"], dict, "the nets")
    if nets:
        if not hasattr(estimator, "_take_nets"):
            raise ModelFileError(f"no {cls.__name__} has a net. Save the model again")
        estimator._validate_params()  # noqa: SLF001
        _take_nets(reader, estimator, nets, node.get("earlier_params", {}))
    return estimator


def _take_nets(reader: Reader, estimator: Any, nets: Any, earlier: Any) -> None:
    """Make the nets with the parameters of their training, and note these for `partial_fit`."""
    described = expect(earlier, dict, "the earlier parameters").items()
    before = {name: reader.decode(value) for name, value in described}
    rate = expect(before.get("lr", 1.0), (int, float), "the earlier lr")
    if not 0 < rate < float("inf"):
        raise ModelFileError(f"its earlier lr is {rate}. Save the model again")
    attributes, now = vars(estimator), estimator.get_params(deep=False)
    for name, value in before.items():
        # the device is where the user wants the model; a text may stand for another value
        if name == "device" or isinstance(value, str) or _may_run_code(name, value):
            continue
        if value is None and "__" in name:  # of a component, which had its own default
            attributes.pop(name, None)
        elif name in now:
            attributes[name] = value
    try:
        estimator._validate_params()  # noqa: SLF001
        estimator._take_nets(reader, nets)  # noqa: SLF001
    finally:
        attributes.update(now)
    estimator._trained_with = now | before  # noqa: SLF001


def _check_standardisation(mean: Any, scale: Any) -> None:
    """Check the mean and scale by which a regressor standardised its labels."""
    for values in (mean, scale):
        expect(values, np.ndarray, "the standardisation of y")
        one_kind = values.dtype == np.float64 and values.shape == mean.shape
        if not (one_kind and values.ndim < 2 and values.size and np.isfinite(values).all()):
            raise ModelFileError("y_mean_ and y_scale_ are none of a row. Save the model again")
    if not (scale > 0).all():
        raise ModelFileError("y_scale_ is not positive. Save the model again")


def _map_a_row(transformer: Any, n_bytes: int) -> None:
    """Map a row of zeros of each domain, to check that the fitted attributes fit together."""
    if transformer.n_features_in_ > n_bytes:  # the file has a number or more for each feature
        raise ModelFileError("n_features_in_ is larger than the file. Save the model again")
    for domain in ("source", "target"):
        transformer._map_rows(np.zeros((1, transformer.n_features_in_)), domain)  # noqa: SLF001


def _each(fitted: dict[str, Any], name: str, kind: Any) -> list[Any]:
    """Return the checked values of an attribute: several where it is a dict, one for each input."""
    if name not in fitted:
        return []
    values = fitted[name]
    values = list(values.values()) if isinstance(values, dict) else [values]
    return [expect(value, kind, name) for value in values]


def _check_fitted(estimator: Any) -> None:
    """Check the attributes that every fitted estimator has."""
    fitted = vars(estimator)
    for shape in _each(fitted, "input_shape_", tuple):
        if not all(type(n) is int and 0 < n < 1 << 31 for n in shape):
            raise ModelFileError(f"no rows have the shape {shape}. Save the model again")
    for centre in _each(fitted, "input_centre_", (np.ndarray, type(None))):
        if centre is not None and (centre.ndim < 1 or centre.dtype.kind not in "iuf"):
            raise ModelFileError("input_centre_ is no array of numbers. Save the model again")
    _each(fitted, "input_dtype_", torch.dtype)
    if "n_features_in_" in fitted:
        n_features = expect(fitted["n_features_in_"], int, "n_features_in_")
        if n_features < 1 or n_features not in fitted.get("input_shape_", (n_features,))[:1]:
            raise ModelFileError(f"n_features_in_ is {n_features}. Save the model again")
    if "feature_names_in_" in fitted:
        names = expect(fitted["feature_names_in_"], np.ndarray, "feature_names_in_")
        if len(names) != fitted.get("n_features_in_"):
            raise ModelFileError("feature_names_in_ has another length. Save the model again")
    known = {"classes_": "two or more labels, sorted", "source_domains_": "sorted names"}
    for name in [name for name in known if name in fitted]:
        labels = expect(fitted[name], np.ndarray, name)
        if labels.ndim != 1 or len(labels) < 2 or list(np.unique(labels)) != list(labels):
            raise ModelFileError(f"{name} must be {known[name]}. Save the model again")
    if "y_mean_" in fitted or "y_scale_" in fitted:
        _check_standardisation(fitted.get("y_mean_"), fitted.get("y_scale_"))
    if _OUTPUT in fitted:
        expect(fitted[_OUTPUT], dict, "the output of transform")
