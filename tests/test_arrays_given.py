"""Rows and labels in odd containers: read correctly, or an error that names the argument."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import sparse
from torch.utils.data import DataLoader, Dataset, TensorDataset

from skda import CORAL, TCA, DANNClassifier, DomainStandardScaler, FinetuneRegressor, load
from skda._inputs.array_checks import check_features, check_probabilities
from skda._inputs.class_labels import class_vector
from skda._inputs.host import as_host_array, as_labels, is_missing
from skda._inputs.sources import join_sources
from skda._inputs.weights import check_sample_weight
from skda.model_selection import LambdaSearchCV

rng = np.random.default_rng(0)
Y = np.arange(20) % 2
X = rng.normal(size=(20, 3)) + Y[:, None]
TENSOR = torch.tensor(X)


def begin(X_source: Any, y_source: Any, X_target: Any) -> DANNClassifier:
    estimator = DANNClassifier(max_epochs=1, random_state=0)
    estimator.begin(X_source, y_source, X_target)
    return estimator


@pytest.mark.parametrize(
    ("tensor", "wanted"),
    [
        (TENSOR.to_sparse(), X),
        (TENSOR.clone().requires_grad_(), X),
        (torch._neg_view(TENSOR), -X),
        (TENSOR.to(torch.float8_e4m3fn), TENSOR.to(torch.float8_e4m3fn).float()),
    ],
)
def test_tensors_of_any_layout_are_read(tensor: torch.Tensor, wanted: Any) -> None:
    found = as_host_array(tensor, "X")
    assert_array_equal(found.toarray() if sparse.issparse(found) else found, np.asarray(wanted))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ma.masked_greater(X, 1), "X_target is a masked array with missing entries"),
        (TENSOR.to("meta"), "X_target is a tensor of torch.float64, torch.strided, on meta"),
        ((X * 1e9).astype("M8[s]"), "X_target has dates or durations"),
        (pd.DataFrame(X, columns=list("abc")).assign(b=pd.Timestamp("2020")), r"X_target.*\['b'\]"),
        (
            pl.DataFrame(X, schema=list("abc")).with_columns(pl.lit(date(2020, 1, 1)).alias("c")),
            r"X_target has dates or durations in the columns \['c'\]",
        ),
        (pl.DataFrame(X).lazy(), r"X_target is a LazyFrame.*X_target.collect\(\)"),
        ((row for row in X), "X_target is a generator, which is read once"),
        ([TensorDataset(TENSOR)] * 2, "X_target is a list of Datasets. Pass one"),
        (DataLoader(TensorDataset(TENSOR)), "X_target is a DataLoader. Pass its dataset"),
    ],
)
def test_rows_that_would_be_misread_are_refused_by_name(rows: Any, message: str) -> None:
    transformer = TCA() if isinstance(rows, DataLoader) else CORAL()
    for fit in (begin, lambda *given: transformer.fit(*given)):
        with pytest.raises(ValueError, match=message):
            fit(X, Y, rows)


def test_searches_and_validators_refuse_containers_and_read_tensors() -> None:
    loader = DataLoader(TensorDataset(TENSOR))
    with pytest.raises(ValueError, match="X_target is a DataLoader"):
        LambdaSearchCV(DANNClassifier()).fit(X, Y, loader)
    with pytest.raises(ValueError, match="features is a DataLoader"):
        check_features(loader)
    with pytest.raises(ValueError, match="X_source is a TensorDataset, which DomainStandardScaler"):
        DomainStandardScaler().fit(TensorDataset(TENSOR), None, X)
    half = torch.full((4, 2), 0.5, requires_grad=True)
    assert_array_equal(check_probabilities(half), np.full((4, 2), 0.5))
    assert_array_equal(check_probabilities(half.bfloat16()), np.full((4, 2), 0.5))
    assert_array_equal(check_sample_weight(half[:, 0], 4), np.full(4, 0.5))
    with pytest.raises(ValueError, match="proba: Expected 2D array, got 1D array"):
        check_probabilities(half[:, 0])


def test_names_of_another_frame_are_those_of_the_target() -> None:
    source, target = (pd.DataFrame(part, columns=list("abc")) for part in (X, X + 1))
    for other in ("abz", "xyz"):
        with pytest.raises(ValueError, match="X_target: The feature names should match"):
            begin(source, Y, target.set_axis(list(other), axis=1))
    begin(source, Y, target[list("cab")])  # the columns are matched by name


class Items(Dataset):
    def __init__(self, item: Callable[[int], Any]) -> None:
        self.item = item

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, i: int) -> Any:
        return self.item(i)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (lambda i: TENSOR[i] + 1j, "X_target has a row of torch.complex128"),
        (lambda i: TENSOR[i].to_sparse(), "X_target has a row of torch.float64, torch.sparse_coo"),
        (
            lambda i: X[i].astype(object),
            r"X_target is a Dataset whose item \d+ is a ndarray that is",
        ),
    ],
)
def test_rows_of_a_dataset_are_real_and_dense(item: Callable[[int], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DANNClassifier(max_epochs=1, batch_size=64, random_state=0).fit(X, Y, Items(item))


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (pd.array(Y + 2**60, dtype="Int64"), "i"),
        (pd.array(Y > 0, dtype="boolean"), "b"),
        ((Y > 0).astype(object), "b"),
        (pd.Series(Y).astype(object), "i"),
        (np.array(["a", "b"] * 10, dtype=np.dtypes.StringDType()), "U")
        if hasattr(np.dtypes, "StringDType")
        else (["a", "b"] * 10, "U"),
    ],
)
def test_labels_stay_what_they_are(labels: Any, kind: str) -> None:
    vector = class_vector(labels, "y_source")
    assert vector.dtype.kind == kind
    assert len(np.unique(vector)) == 2


MISSING = "y_source contains NaN, None or another missing label, the first in row 0"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([np.nan, "a", "b"], MISSING),
        ([pd.NA, 0, 1], MISSING),
        (pd.array([None, "a"], dtype="string"), MISSING),
        (np.array(["NaT", "2020-01-01"], dtype="M8[D]"), MISSING),
        (Items(lambda i: (TENSOR[i], i % 2 or None)), MISSING),
        (Items(lambda i: (TENSOR[i], i % 2 or "a")), "y_source mixes strings and other labels"),
        ([date(2020, 1, 1), date(2020, 1, 2)], "y_source has labels of type date. Pass strings"),
        (np.ma.masked_equal(Y, 1), "y_source is a masked array with missing entries"),
    ],
)
def test_labels_that_are_none_are_refused(labels: Any, message: str) -> None:
    rows, labels = (labels, None) if isinstance(labels, Dataset) else (X[: len(labels)], labels)
    with pytest.raises(ValueError, match=message):
        begin(rows, labels, X)


def test_missing_labels_of_the_target_stay_unlabelled() -> None:
    for labels in ([np.nan, "a"], pd.array([pd.NA, "a"], dtype="string")):
        assert [is_missing(label) for label in as_labels(labels, "y_target")] == [True, False]


def test_classes_of_partial_fit_are_checked_like_labels() -> None:
    for classes, message in [
        ([0, 1, None], "classes contains NaN, None"),
        ([0, "1"], "classes mixes strings"),
        ([-1, 0, 1], "classes holds -1, scikit-learn's sign"),
        ([[0, 1]], "classes: y should be a 1d array"),
    ]:
        with pytest.raises(ValueError, match=message):
            DANNClassifier().partial_fit(X, Y, X, classes=classes)


def test_sources_of_other_columns_or_labels_are_not_joined() -> None:
    frame = pd.DataFrame(X, columns=list("abc"))
    other = frame.set_axis(list("xyz"), axis=1)
    with pytest.raises(ValueError, match=r"X_source\[1\].*has the columns \['x', 'y', 'z'\]"):
        join_sources([frame, other], [Y, Y])
    with pytest.raises(ValueError, match=r"X_source\[1\].*is a ndarray, but X_source\[0\] a Data"):
        join_sources([frame, X], [Y, Y])
    with pytest.raises(ValueError, match="y_source mixes strings and other labels"):
        join_sources([X, X], [Y, Y.astype(str)])


def test_frames_of_several_sources_are_put_below_each_other() -> None:
    parts, labels = [X[:12], X[12:]], [Y[:12], Y[12:]]
    wanted = begin(parts, labels, X + 1)
    narrow = [pl.DataFrame(parts[0], schema=[*"abc"]), pl.DataFrame(parts[1], schema=[*"abc"])]
    narrow[1] = narrow[1].cast(pl.Float32)[:, ::-1]
    found = begin(narrow, labels, pl.DataFrame(X + 1, schema=[*"abc"]))
    assert found.feature_names_in_.tolist() == [*"abc"]
    assert found.input_shape_ == wanted.input_shape_
    text = [narrow[0], narrow[1].with_columns(pl.lit([1]).alias("a"))]
    with pytest.raises(ValueError, match="X_source: "):
        begin(text, labels, X + 1)


def test_weights_are_no_durations() -> None:
    weights = np.ones(len(Y)).astype("m8[s]")
    with pytest.raises(ValueError, match="sample_weight has dates or durations"):
        check_sample_weight(weights, len(Y))


def test_dates_are_no_labels_of_a_regression() -> None:
    with pytest.raises(ValueError, match="y_source has dates or durations"):
        FinetuneRegressor().fit(X, pd.DataFrame({"day": pd.date_range("2020", periods=20)}))


def test_class_weights_are_finite_numbers_in_float32() -> None:
    for weight in ("a", 1e300):
        with pytest.raises(ValueError, match="The 'class_weight' parameter must give each class"):
            DANNClassifier(class_weight={0: weight}).fit(X, Y, X)


@pytest.mark.parametrize(
    "given",
    [
        lambda words: pd.DataFrame(words).astype("Int64"),
        lambda words: words.astype(object),
        lambda words: words.astype(np.uint64),
    ],
)
def test_integers_reach_a_module_that_embeds_them(given: Callable[[Any], Any]) -> None:
    words = rng.integers(0, 9, size=(20, 3))
    module = torch.nn.Sequential(
        torch.nn.Embedding(9, 4), torch.nn.Flatten(), torch.nn.Linear(12, 2)
    )
    estimator = DANNClassifier(module, max_epochs=1, random_state=0)
    estimator.begin(given(words), Y, given(words))
    assert estimator.input_dtype_ == torch.int64


def test_score_names_its_labels_and_weights() -> None:
    estimator = DANNClassifier(max_epochs=1, random_state=0).fit(X, Y, X)
    assert estimator.score(X, torch.tensor(Y)) == estimator.score(X, Y)
    for given, message in [
        ((None,), "y is None: pass the label of each row of X"),
        ((Y[:3],), "y has 3 entries, but X has 20 rows"),
        ((Y.astype(str),), "y: Mix of label input types"),
        ((Y, np.ones(3)), "sample_weight has 3 entries, but X has 20 rows"),
    ]:
        with pytest.raises(ValueError, match=message):
            estimator.score(X, *given)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_model_is_loaded_where_no_gradients_are_computed(mode: Any, tmp_path: Any) -> None:
    estimator = DANNClassifier(max_epochs=1, random_state=0).fit(X, Y, X)
    estimator.save(tmp_path / "model")
    with mode():
        loaded = load(tmp_path / "model")
    assert_array_equal(loaded.predict_proba(X), estimator.predict_proba(X))
