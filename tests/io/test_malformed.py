"""Files that are damaged or malicious: one error, which says what is wrong and what to do."""

# ruff: noqa: E501 - a line an edit
from __future__ import annotations

import copy
import json
import re
import resource
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.preprocessing import MinMaxScaler

import skda
from skda.io import ModelFileError
from skda.io._file import read, write
from tests.io.helpers import FIT, SMALL, X_TARGET, Own, X, Y

IMAGES = np.random.default_rng(0).normal(size=(len(X), 1, 8, 8)).astype(np.float32)
Edit = Callable[[dict[str, Any], dict[str, torch.Tensor]], None]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files of a few estimators."""
    folder = tmp_path_factory.mktemp("models")
    labels = np.array(["no", "yes"])[Y]
    pipeline = skda.make_pipeline(MinMaxScaler(), skda.CORAL())
    saved = {
        "dann": skda.DANNClassifier(**SMALL).fit(X, labels, X_TARGET),
        "own": skda.DANNClassifier(Own, **SMALL).fit(*FIT),
        "wdgrl": skda.WDGRLClassifier(**SMALL).fit(*FIT),
        "cdan": skda.CDANClassifier(max_width=2, random_width=8, **SMALL).fit(*FIT),
        "images": skda.DANNClassifier(**SMALL).fit(IMAGES, Y, IMAGES),
        "series": skda.DANNClassifier(**SMALL).fit(IMAGES[:, 0], Y, IMAGES[:, 0]),
        "coral": skda.CORAL().fit(X, X_target=X_TARGET),
        "pipeline": pipeline.fit(X, X_target=X_TARGET),
    }
    for name, estimator in saved.items():
        skda.io.save(estimator, folder / name, optimizer=True)
    return {name: folder / name for name in saved}


@pytest.fixture(autouse=True)
def _no_memory() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000, f"{grown} kB"


def nested(depth: int) -> Any:
    value: Any = None
    for _ in range(depth):
        value = [value]
    return value


def change(path: str, value: Any) -> Edit:
    """Set an entry of the description, by the keys to it."""

    def edit(description: dict[str, Any], _: Any) -> None:
        node = description
        *parents, last = path.split("/")
        for key in parents:
            node = node[int(key) if isinstance(node, list) else key]
        node[int(last) if isinstance(node, list) else last] = copy.deepcopy(value)

    return edit


def wide(n_features: int) -> Edit:
    """Change the number of columns in the file."""

    def edit(description: dict[str, Any], _: Any) -> None:
        fitted = description["model"]["fitted"]
        fitted["n_features_in_"] = n_features
        fitted["input_shape_"]["items"] = [n_features]

    return edit


def padded(mode: str, stride: int) -> Edit:
    """Give a convolution a padding of 10**6, and a stride."""

    def edit(description: dict[str, Any], _: Any) -> None:
        node = description["model"]["nets"]["net_"]["network"]["layers"]["modules"]
        attributes = node["convolutions"]["modules"]["1"]["attributes"]
        attributes |= {"padding_mode": mode, "_reversed_padding_repeated_twice": [10**6] * 4}
        attributes["padding"]["items"] = [10**6] * 2
        attributes["stride"]["items"] = [stride] * 2

    return edit


NET = "model/nets/net_/"
PARAMS = "model/params/"
LAYER = NET + "network/layers/modules/features/modules/1/"
WEIGHT = "model.net_.module.features.1.weight"
MEAN = "model.net_.domain_module_.statistics.target.layer0_running_mean"
BATCH_NORM = "model.net_.module.convolutions.2.running_mean"


def tensor(name: str, value: Callable[[torch.Tensor], torch.Tensor]) -> Edit:
    def edit(_: Any, tensors: dict[str, torch.Tensor]) -> None:
        tensors[name] = value(tensors[name])

    return edit


def without(name: str) -> Edit:
    def edit(_: Any, tensors: dict[str, torch.Tensor]) -> None:
        del tensors[name]

    return edit


def an_extra_tensor(_: Any, tensors: dict[str, torch.Tensor]) -> None:
    tensors["more"] = torch.zeros(3)


def a_nan(weights: torch.Tensor) -> torch.Tensor:
    weights.view(-1)[0] = torch.nan
    return weights


def a_name(space: str, name: str) -> dict[str, str]:
    return {"$": "name", "of": space, "name": name}


EDITS: list[tuple[str, Edit, str]] = [
    # (model, edit, message)
    ("dann", change("format", 2), "format 2, and this skda reads up to 1. Install a newer"),
    ("dann", change("format", "1"), "names no format"),
    ("dann", change("format", 0), "format 0, which no skda writes"),
    ("dann", change("model", [1, 2]), "holds no estimator"),
    ("dann", change("model", {"$": "__class__"}), "unknown kind '__class__'"),
    ("dann", change("model", {"$": ["dict"]}), r"unknown kind \['dict'\]"),
    ("dann", change("model", {"$": "tensor"}), r"not what skda writes \(KeyError"),
    ("dann", change("custom", "Own"), "list of custom names is none"),
    ("dann", change("custom", ["Own"]), "needs 'Own', which only your own code has. Pass load"),
    ("dann", change("model/earlier_params", {"lr": 0}), "its earlier lr is 0"),
    ("dann", change("model/class", "os.system"), "'os.system', which is none of skda's estimators"),
    ("dann", change("model/class", "MCDClassifier"), "not what skda writes .TypeError.*Unexpected"),
    ("dann", change("model/class", "CORAL"), "TypeError"),
    ("dann", change("model/class", {"$": "dict"}), "none of skda's estimators"),
    ("dann", change("model/params", []), "parameters of an estimator must be of type dict, and is a"),
    ("dann", change(PARAMS + "lr", "fast"), "'lr' parameter of DANNClassifier must be a float"),
    ("dann", change(PARAMS + "lr", {"$": "float", "value": "1e3"}), "'1e3' is no number"),
    ("dann", change(PARAMS + "__init__", 1), "Unexpected argument __init__"),
    ("dann", change(PARAMS + "optimizer", a_name("os", "system")), "'system' of 'os', which is not"),
    ("dann", change(PARAMS + "optimizer", a_name("torch.optim", "Optimizer.step")), "not on the list"),
    ("dann", change(PARAMS + "optimizer", a_name("torch.nn", "Linear")), "TypeError|ValueError"),
    ("dann", change(PARAMS + "criterion", a_name("torch.nn.functional", "handle_torch_function")), "not"),
    ("dann", change(PARAMS + "criterion", a_name("torch.nn", "init")), "not on the list of classes"),
    # a name for which scikit-learn raises an ImportError
    ("dann", change(PARAMS + "optimizer", a_name("sklearn.model_selection", "HalvingGridSearchCV")), "not on the list"),
    ("dann", change(PARAMS + "lam_schedule", {"$": "custom", "name": "eval", "class": False}), "not list"),
    ("dann", change(PARAMS + "discriminator__hidden", [10**6, 10**6]), "much larger than the file"),
    ("dann", change(PARAMS + "discriminator__hidden", [5]), "tensors do not fit Adversary"),
    ("cdan", change(PARAMS + "random_width", 10**9), "much larger than the file"),
    ("dann", change(PARAMS + "callbacks", {"$": "made", "by": ["skorch", "Checkpoint"], "with": 0}), "not on"),
    ("dann", change("model/fitted", {"predict": 1}), "no fitted DANNClassifier has 'predict'"),
    ("dann", change("model/fitted/_validate_params", 1), "has '_validate_params'"),
    ("dann", change("model/fitted/module_", 1), "no fitted DANNClassifier has 'module_'"),
    ("dann", change("model/fitted/classes_", [0, 1]), "classes_ must be of type ndarray, and is a list"),
    ("dann", change("model/fitted/classes_/values", ["no", 7]), "array of strings holds something else"),
    ("dann", change("model/fitted/classes_/values", ["b", "a"]), "two or more labels, sorted"),
    ("dann", change("model/fitted/classes_/dtype", "<U99999999"), "array of strings holds something"),
    ("dann", change("model/fitted/classes_/dtype", "O"), "array of strings holds something else"),
    ("dann", change("model/fitted/classes_/shape", [-1, 2]), "two or more labels"),
    ("dann", change("model/fitted/classes_", {"$": "strings", "shape": [3], "dtype": "<U1",
                                             "values": ["a", "b", "c"]}), "logits of 3 classes"),
    ("dann", change("model/fitted/input_shape_/items", [10**12]), "no rows have the shape"),
    ("dann", wide(3), r"rows of shape \(3,\) to logits of 2"),
    ("dann", change("model/fitted/input_shape_/items", [-1, 2]), "no rows have the shape"),
    ("dann", change("model/fitted/n_features_in_", "two"), "n_features_in_ must be of type int"),
    ("dann", change("model/fitted/input_dtype_", "float32"), "input_dtype_ must be of type dtype"),
    ("dann", change("model/fitted/input_dtype_", {"$": "dtype", "name": "load"}), "'load' is no dtype"),
    ("dann", change("model/nets", {"net_": None}), "not what skda writes"),
    ("dann", change("model/nets/self", {}), "has the nets"),
    ("dann", change(NET + "options/items/0", ["device", "meta"]), "a net has the options"),
    ("dann", change(NET + "seeds", [1, 2]), "not what skda writes .TypeError"),
    ("dann", change(NET + "widths", [7]), r"features have widths \(64,\), not \(7,\)"),
    ("dann", change(NET + "adapted/0/0", "../../etc"), "no layer '../../etc'"),
    ("dann", change(NET + "run/0", ["elsewhere"]), "layers have other names than its network"),
    ("dann", change(NET + "undo", ["exec"]), "undoes 'exec'"),
    ("dann", change(NET + "counts/step_", 1.5), "step_ must be of type int, and is a float"),
    ("dann", change(NET + "labelled_domain", "x"), "labels of no domain"),
    ("dann", change(NET + "beside/adaptation_", {}), "tensors do not fit Adversary"),
    ("dann", change(NET + "optimizers/", []), "not what skda writes"),
    ("dann", change(NET + "network", {"state": {}}), "tensors do not fit MLP"),
    ("dann", change(LAYER + "class", ["torch.nn", "Module"]), "not what skda writes|cannot take"),
    ("dann", change(LAYER + "class", ["skorch", "EarlyStopping"]), "EarlyStopping is no layer"),
    ("dann", change(LAYER + "class", ["torch.nn", "../os"]), "not on the list"),
    ("dann", change(LAYER + "attributes/forward", "x"), "no Linear has an attribute 'forward'"),
    ("dann", change(LAYER + "attributes/_forward_hooks", {}), "no Linear has an attribute '_forward_ho"),
    ("dann", change(LAYER + "parameters", {}), "cannot take rows"),
    ("dann", change(LAYER + "parameters/weight/0", "none"), "lacks the tensor 'none'"),
    ("dann", change(LAYER + "modules", {"0": {"same": "x"}}), "KeyError"),
    ("dann", tensor(WEIGHT, a_nan), "weights 'model.net_.module.features.1.weight' are NaN or inf"),
    ("dann", tensor(WEIGHT, lambda w: w / 0), "NaN or infinite"),
    ("dann", tensor(WEIGHT, lambda w: w.T.contiguous()), "cannot take rows of shape"),
    ("dann", tensor(WEIGHT, torch.Tensor.double), "weights that are not float32"),
    ("dann", tensor(WEIGHT, lambda w: w.to(torch.int64)), "not what skda writes .RuntimeError"),
    ("dann", tensor(MEAN, a_nan), "NaN or infinite"),
    ("dann", tensor(MEAN, lambda m: m[:1].clone()), "tensors do not fit DomainModule"),
    ("own", tensor("model.net_.module.head.weight", a_nan), "NaN or infinite"),
    ("own", tensor("model.net_.module.head.weight", lambda w: w[:1].clone()), "do not fit Own"),
    ("own", wide(1 << 30), "no rows have the shape"),
    ("own", wide(1 << 25), "much larger than the file"),
    ("wdgrl", tensor("model.net_.generator", lambda s: s[:7].clone()), "RNG state"),
    ("dann", without(WEIGHT), "lacks the tensor"),
    ("dann", an_extra_tensor, r"tensors that nothing needs, for instance \['more'\]"),
    ("images", padded("zeros", 1), "a layer of its network takes 1.54e.06 GB for two rows"),
    ("images", padded("reflect", 10**6), "cannot take rows of shape .1, 8, 8. to logits"),
    ("images", tensor(BATCH_NORM, lambda m: m[:1].clone()), "running_mean should contain 16 elements"),
    ("dann", change(PARAMS + "lam", nested(100)), "'lam' parameter of DANN"),
    ("coral", change("model/fitted/source_map_", "A"), "cannot be loaded"),
    ("coral", change("model/fitted/n_features_in_", 10**12), "cannot be loaded"),
    ("dann", change("model/requests", {"fit": {"X_target": [1]}}), "metadata requests are none"),
    ("dann", change("model/requests", {"__class__": {}}), "metadata requests are none"),
    ("dann", change("model/fitted/net_", 1), "no fitted DANNClassifier has 'net_'"),
    ("dann", change(PARAMS + "compile__options", {"$": "dict", "items": [["cpp.cxx", "sh"]]}), "another program"),
    ("pipeline", change(PARAMS + "memory", "/tmp/pickles"), "another program could be run"),
    ("coral", change("model/nets", {"net_": {}}), "no CORAL has a net"),
    ("pipeline", change("model/params/steps/0", ["x", {"$": "path", "value": "/etc/passwd"}]), "cannot"),
    ("pipeline", tensor("model.steps.0.1.skops", lambda t: t[:50].clone()), "BadZipFile"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "edit", "message"), EDITS, ids=[f"{i}-{m[:30]}" for i, (_, _, m) in enumerate(EDITS)]
)
def test_a_malicious_description_is_refused(
    model: str, edit: Edit, message: str, models: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "bad"
    description, tensors = read(models[model])
    edit(description, tensors)
    write(path, {"format": 1} | description, tensors)
    with pytest.raises(ModelFileError, match=message) as caught:
        skda.load(path, Own if model == "own" else None)
    assert isinstance(caught.value, ValueError)
    assert re.search(
        r"cannot be loaded: .*(again|Install|Pass|Load|Hand|hand|Fit)", str(caught.value)
    )


@pytest.mark.parametrize(
    ("model", "edit"),
    [
        ("series", change("model/fitted/input_shape_/items", [8, 1 << 22])),
        ("images", padded("replicate", 10**6)),
    ],
)
def test_what_would_take_much_memory_is_loaded_without(
    model: str, edit: Edit, models: dict[str, Path], tmp_path: Path
) -> None:
    description, tensors = read(models[model])
    edit(description, tensors)
    write(tmp_path / "large", description, tensors)
    assert skda.load(tmp_path / "large").classes_.tolist() == [0, 1]


def test_a_truncated_file_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    data = models["dann"].read_bytes()
    for n in [0, 1, 7, 8, 9, 100, len(data) // 2, len(data) - 1]:
        (tmp_path / "bad").write_bytes(data[:n])
        with pytest.raises(
            ModelFileError, match=r"is truncated, damaged or no file of skda.*again"
        ):
            skda.load(tmp_path / "bad")


def test_every_flipped_bit_is_noticed(models: dict[str, Path], tmp_path: Path) -> None:
    data = models["dann"].read_bytes()
    n_header = 8 + int.from_bytes(data[:8], "little")
    rng = np.random.default_rng(0)
    places = np.r_[0:16, rng.integers(n_header, size=100), rng.integers(n_header, len(data), 30)]
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "bad").write_bytes(damaged)
        with pytest.raises(ModelFileError, match="cannot be loaded"):
            skda.load(tmp_path / "bad")


def header(text: str | bytes, size: int | None = None) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(data) if size is None else size) + data


def huge(shape: list[int], dtype: str = "F32", offsets: tuple[int, int] = (0, 4)) -> bytes:
    entry = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    return header(json.dumps({"__metadata__": {"skda": "0"}, "w": entry})) + b"\0" * 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 a zip file",
        b"\x80\x04\x95 a pickle.",
        header("{}", size=2**63),
        header("[]"),
        header("null"),
        header("{" * 100_000),
        header('{"__metadata__": ' + "[" * 100_000 + "]" * 100_000 + "}"),
        header(b"\xff\xfe{}"),
        header('{"__metadata__": {"skda": 7}}'),
        header('{"__metadata__": {"skda": ""}}'),
        header('{"__metadata__": {"skda": "00000000{}"}}'),
        header('{"__metadata__": {"skda": "00000000' + "[" * 100_000 + '"}}'),
        header('{"__metadata__": {"skda": "00000000{\\"format\\": NaN}"}}'),
        header('{"__metadata__": {"other": "x"}}'),
        header('{"__metadata__": {"skda": "00000000[' + "[]," * 6_000_000 + ']"}}'),
        huge([10**12]),
        huge([2**62, 4]),
        huge([-1]),
        huge([1], dtype="OBJECT"),
        huge([1], dtype="C64"),
        huge([1], offsets=(0, 2**60)),
        huge([1], offsets=(4, 0)),
        huge([1.5]),  # type: ignore[list-item]
    ],
    ids=range(24),
)
def test_a_malicious_header_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(data)
    with pytest.raises(ModelFileError, match=r"bad cannot be loaded: .*(again|load_file)"):
        skda.load(tmp_path / "bad")


def test_any_other_value_anywhere_is_refused_or_harmless(
    models: dict[str, Path], tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    values: list[Any] = [
        None,
        -1,
        2**70,
        1e300,
        "x",
        [],
        {},
        True,
        {"$": "dict", "items": [[[], 1]]},
    ]
    path = tmp_path / "bad"
    n_refused = 0
    for _ in range(150):
        description, tensors = read(models["wdgrl"])
        node: Any = description["model"]
        while True:
            keys = list(node) if isinstance(node, dict) else range(len(node))
            key = keys[int(rng.integers(len(keys)))]
            if not isinstance(node[key], (dict, list)) or not node[key] or rng.random() < 0.1:
                break
            node = node[key]
        node[key] = values[int(rng.integers(len(values)))]
        write(path, description, tensors)
        try:
            skda.load(path).predict(X_TARGET)
        except ModelFileError:
            n_refused += 1
    assert n_refused > 100
