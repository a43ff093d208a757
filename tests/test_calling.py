"""A user's module, criterion and discriminator are called once before the training."""

from __future__ import annotations

import pickle
import re
import warnings
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from skda import DANClassifier, DANNClassifier, DDCClassifier, FinetuneClassifier, MCDClassifier
from skda.nn import MLP
from tests.shifted import shifted

DATA = shifted()
SHORT: dict[str, Any] = {"max_epochs": 1, "random_state": 0}


class Net(nn.Module):
    def __init__(self, n_features: int = 4, n_classes: int = 2) -> None:
        super().__init__()
        self.body = nn.Linear(n_features, 8)
        self.head = nn.Linear(8, n_classes)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.body(x).relu())


def fit(module: Any, cls: type = DANClassifier, **params: Any) -> Any:
    return cls(module, **{**SHORT, **params}).fit(DATA.X, DATA.y, DATA.X_target)


def logits_of(estimator: Any) -> np.ndarray:
    return estimator.decision_function(DATA.X_target)


# -- rows stay rows ---------------------------------------------------------------------------


class Steps(nn.Module):
    """Passes series of 3 channels and 6 steps through `inner`, with time as the first axis."""

    def __init__(self, inner: nn.Module, width: int) -> None:
        super().__init__()
        self.inner = inner
        self.head = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        out = self.inner(x.permute(2, 0, 1))
        return self.head((out[0] if isinstance(out, tuple) else out).mean(0))


SERIES = np.random.default_rng(0).normal(size=(60, 3, 6))


@pytest.mark.parametrize(
    "inner",
    [
        nn.GRU(3, 5),
        nn.RNN(3, 5),
        nn.LSTM(3, 5),
        nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5)),
        nn.TransformerEncoderLayer(3, 1, 4, 0.0),
    ],
)
def test_layers_with_time_first_give_one_row_of_features_a_row(inner: nn.Module) -> None:
    width = 3 if isinstance(inner, nn.TransformerEncoderLayer) else 5
    estimator = DANClassifier(Steps(inner, width), adapt_layers="inner", **SHORT)
    estimator.fit(SERIES, DATA.y, SERIES + 1)
    whole = estimator.transform(SERIES)
    assert whole.shape == (60, 6 * width)
    np.testing.assert_allclose(estimator.transform(SERIES[::-1])[::-1], whole, atol=1e-5)
    np.testing.assert_allclose(estimator.transform(SERIES[:7]), whole[:7], atol=1e-5)


class Folds(nn.Module):
    """Calls its layers with inputs whose first axis is not the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Linear(6, 2)
        self.table = nn.Embedding(4, 2)
        self.between = nn.Identity()
        self.head = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.tokens(x.reshape(-1, 6)).reshape(len(x), 6)
        self.between(tokens @ tokens.T)
        return self.head(tokens) + self.table(torch.arange(4)).mean()


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("tokens", r"\(6, 2\) for 2 rows and \(15, 2\) for 5"),
        ("table", r"\(4, 2\) for 2 rows and \(4, 2\) for 5"),
        ("between", r"\(2, 2\) for 2 rows and \(5, 5\) for 5"),
    ],
)
def test_layers_without_an_axis_of_rows_are_refused(name: str, shapes: str) -> None:
    message = rf"The 'adapt_layers' parameter must name .* output of '{name}' has shape {shapes}"
    with pytest.raises(ValueError, match=message):
        DANClassifier(Folds, adapt_layers=name, **SHORT).fit(SERIES, DATA.y, SERIES)


def test_a_layer_named_twice_is_adapted_once() -> None:
    estimator = fit(Net, adapt_layers=["body", "head", "body"])
    assert estimator.transform(DATA.X).shape == (60, 8 + 2)


# -- the layer of the logits ------------------------------------------------------------------


class HeadFirst(nn.Module):
    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(7, n_classes)
        self.body = nn.Linear(n_features, 7)
        self.auxiliary = nn.Linear(7, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x).relu()
        logits = self.head(hidden)
        self.reconstructed = self.auxiliary(hidden * 2)
        return logits


def test_default_layer_bottleneck_copy_and_reinit_find_the_layer_of_the_logits() -> None:
    assert fit(HeadFirst).net_.layers == [("head", "input")]
    ddc = fit(HeadFirst, DDCClassifier, bottleneck_width=3)
    assert ddc.net_.layers == [("head.classifier", "input")]
    assert isinstance(ddc.module_.auxiliary, nn.Linear)
    assert fit(HeadFirst, MCDClassifier).net_.adaptation_.first is not None
    trained = HeadFirst(4, 2)
    tuned = FinetuneClassifier(pretrained=trained, reinit=1, lr=1e-12, **SHORT)
    module = tuned.fit(DATA.X, DATA.y).module_
    assert torch.allclose(module.body.weight, trained.body.weight)
    assert torch.allclose(module.auxiliary.weight, trained.auxiliary.weight)
    assert not torch.allclose(module.head.weight, trained.head.weight)


# -- the module is called -----------------------------------------------------------------------

Pair = namedtuple("Pair", ["logits", "auxiliary"])


class Returning(Net):
    def __init__(self, how: str) -> None:
        super().__init__(n_classes=1 if how.startswith("one") else 2)
        self.how = how

    def forward(self, x: Tensor) -> Any:
        z = super().forward(x)
        return {
            "tensor": lambda: z,
            "named": lambda: Pair(z, z),
            "list in training": lambda: [z, x] if self.training else z,
            "dict": lambda: {"features": x, "logits": z},
            "softmax": lambda: z.softmax(1),
            "by hand": lambda: z.exp() / z.exp().sum(1, keepdim=True),
            "sigmoid": lambda: z.sigmoid(),
            "one": lambda: z,
            "one flat": lambda: z.squeeze(1),
            "one sigmoid": lambda: z.sigmoid(),
            "log_softmax": lambda: z.log_softmax(1),
            "double": lambda: z.double(),
            "maps in training": lambda: z[:, :, None] if self.training else z,
            "wide": lambda: torch.cat([z, z], 1),
        }[self.how]()


@pytest.mark.parametrize(
    ("how", "warned"),
    [
        ("named", "returns a Pair. Its first element"),
        ("list in training", "returns a list. Its first element"),
        ("dict", "returns a dict. Its first element"),
        ("softmax", "probabilities, not logits. The inverse of its softmax"),
        ("by hand", "probabilities, not logits. The inverse of its softmax"),
        ("sigmoid", "probabilities, not logits. The inverse of its sigmoid"),
        ("log_softmax", None),
        ("double", None),
    ],
)
def test_what_is_no_logits_becomes_logits(how: str, warned: str | None) -> None:
    module, plain = Returning(how), Returning("tensor")
    plain.load_state_dict(module.state_dict())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = fit(module, optimizer=torch.optim.SGD)
    assert [warned in str(w.message) for w in caught] == ([True] if warned else [])
    expected = fit(plain, optimizer=torch.optim.SGD)
    np.testing.assert_allclose(logits_of(estimator), logits_of(expected), rtol=1e-3, atol=1e-5)
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(logits_of(again), logits_of(estimator))


@pytest.mark.parametrize("how", ["one", "one flat", "one sigmoid"])
def test_one_logit_for_two_classes_learns_the_sigmoid(how: str) -> None:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = fit(Returning(how), criterion=nn.BCEWithLogitsLoss, max_epochs=60, lr=0.02)
    assert estimator.score(DATA.X, DATA.y, domain="source") > 0.9
    probabilities = estimator.predict_proba(DATA.X)
    np.testing.assert_allclose(
        probabilities[:, 1], 1 / (1 + np.exp(-estimator.decision_function(DATA.X))), rtol=1e-4
    )


class NoDefault(Net):
    def forward(self, x: Tensor, alpha: float) -> Any:
        return super().forward(x) * alpha


class Mixed(Net):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x * torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (NoDefault, r"X_source of shape \(2, 4\), float32, it raised TypeError: .*'alpha'"),
        (Mixed, "it raised RuntimeError: .* dtype"),
        (Net(n_features=9), "it raised RuntimeError: .* shapes cannot be multiplied"),
        (Returning("wide"), r"logits of shape \(n_rows, n_classes\), here \(2, 2\). Got \(2, 4\)"),
        (Returning("maps in training"), r"in training mode as well. Got \(5, 2, 1\) there"),
    ],
)
def test_modules_that_cannot_be_trained_are_refused(module: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"The 'module' parameter .*{message}"):
        fit(module)


@pytest.mark.parametrize("module", [Net().double(), Net().half(), Net().bfloat16()])
def test_weights_of_any_dtype_are_trained_in_float32(module: nn.Module) -> None:
    estimator = fit(module)
    assert {p.dtype for p in estimator.module_.parameters()} == {torch.float32}
    assert module.body.weight.dtype != torch.float32


@pytest.mark.parametrize("cls", [DANClassifier, DANNClassifier, DDCClassifier, MCDClassifier])
def test_a_default_dtype_of_float64_changes_nothing_else(cls: type) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        estimator = fit(None, cls)
    finally:
        torch.set_default_dtype(torch.float32)
    assert logits_of(estimator).dtype == np.float32


# -- instances keep their weights ----------------------------------------------------------------


class Keeping(Net):
    """Keeps its last outputs, which deepcopy refuses to copy."""

    def forward(self, x: Tensor) -> Any:
        self.latest = [self.body(x)]
        return self.head(self.latest[0].relu())


@pytest.mark.parametrize(
    "module",
    [
        Keeping,
        lambda: nn.Sequential(nn.utils.weight_norm(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 2)),
        nn.Sequential(
            nn.utils.parametrizations.weight_norm(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 2)
        ),
        lambda: nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.ReLU(), nn.LazyLinear(2)),
        torch.compile(Net(), backend="eager"),
        nn.DataParallel(Net()),
    ],
)
@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_networks_that_are_hard_to_copy(module: Any) -> None:
    estimator = DDCClassifier(module, **SHORT)
    for _ in range(2):
        estimator.partial_fit(DATA.X, DATA.y, DATA.X_target)
    assert np.isfinite(logits_of(estimator)).all()
    FinetuneClassifier(pretrained=estimator, reinit=1, **SHORT).fit(DATA.X, DATA.y)


def test_a_warm_start_with_another_width_says_so() -> None:
    estimator = fit(None, warm_start=True, module__hidden=(5,))
    message = "The 'warm_start' parameter is True, but the weights .* do not fit .* size mismatch"
    with pytest.raises(ValueError, match=message):
        estimator.set_params(module__hidden=(9,)).fit(DATA.X, DATA.y, DATA.X_target)


# -- criterion and discriminator ---------------------------------------------------------------


def half_of_it(logits: Tensor, y: Tensor, share: float = 0.5) -> Tensor:
    return share * nn.functional.cross_entropy(logits, y)


@pytest.mark.parametrize(
    ("criterion", "options", "same_as"),
    [
        (nn.functional.cross_entropy, {}, nn.CrossEntropyLoss()),
        (nn.functional.nll_loss, {}, nn.CrossEntropyLoss()),
        (half_of_it, {"criterion__share": 1.0}, nn.CrossEntropyLoss()),
        (nn.BCEWithLogitsLoss, {}, nn.CrossEntropyLoss()),
        (nn.CrossEntropyLoss, {"criterion__weight": [1, 3]}, None),
        (nn.CrossEntropyLoss, {"criterion__weight": np.array([1.0, 3.0])}, None),
        (nn.CrossEntropyLoss(torch.tensor([1.0, 3.0], dtype=torch.float64)), {}, None),
    ],
)
def test_criteria_as_users_pass_them(criterion: Any, options: Any, same_as: Any) -> None:
    weighted = nn.CrossEntropyLoss(torch.tensor([1.0, 3.0]))
    expected = fit(None, criterion=same_as or weighted, optimizer=torch.optim.SGD)
    found = fit(None, criterion=criterion, optimizer=torch.optim.SGD, **options)
    np.testing.assert_allclose(logits_of(found), logits_of(expected), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("criterion", "options", "message"),
    [
        (nn.CrossEntropyLoss, {"criterion__reduction": "none"}, r"returned shape \(3,\) without"),
        (nn.CrossEntropyLoss, {"criterion__weight": [1, 2, 3]}, "raised RuntimeError: weight"),
        (nn.MSELoss, {}, "raised .*size"),
        (lambda logits, y: 0.5, {}, "returned float without a mean or a gradient"),
        (nn.CrossEntropyLoss(), {"criterion__label_smoothing": 0.1}, "is an instance, which"),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
def test_criteria_that_fail_are_refused(criterion: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"The 'criterion' parameter .*{message}"):
        fit(None, criterion=criterion, **options)


class Judge(nn.Module):
    def __init__(self, n_features: int, how: str) -> None:
        super().__init__()
        self.linear, self.how = nn.Linear(n_features, 1), how

    def forward(self, x: Tensor) -> Any:
        z = self.linear(x)
        if self.how == "in training" and not self.training:
            return z
        forms = {"dict": {"logits": z}, "mean": z.mean(), "two": z.repeat(1, 2), "row": z.T}
        return forms.get(self.how, (z, x))


@pytest.mark.parametrize(
    ("how", "got"),
    [
        ("tuple", "tuple"),
        ("in training", "tuple"),
        ("dict", "dict"),
        ("mean", "()"),
        ("two", "(5, 2)"),
        ("row", "(1, 5)"),
    ],
)
def test_discriminators_that_return_no_logit_a_row(how: str, got: str) -> None:
    message = (
        "The 'discriminator' parameter must be a network that returns one logit for each row, of "
        f"shape (n_rows,) or (n_rows, 1), here (5, 1). Got {got} instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        fit(None, DANNClassifier, discriminator=Judge, discriminator__how=how)


# -- scale ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("factor", "offset"), [(1e-7, 0), (1e-5, 1e-2), (1e7, 0), (1, -300)])
@pytest.mark.parametrize("epochs", [3, 30])
def test_the_built_in_network_classifies_any_affine_copy(
    factor: float, offset: float, epochs: int
) -> None:
    data = shifted(n_source=120)

    def score(factor: float, offset: float) -> float:
        estimator = DANNClassifier(max_epochs=epochs, lr=1e-2, random_state=0)
        X, X_target = data.X * factor + offset, data.X_target * factor + offset
        return estimator.fit(X, data.y, X_target).score(X, data.y, domain="source")

    assert score(factor, offset) >= score(1, 0) - 0.05


def test_a_network_without_tiny_columns_has_the_usual_state_dict() -> None:
    assert "scale" not in fit(None).module_.state_dict()
    tiny = FinetuneClassifier(**SHORT).fit(DATA.X * 1e-6, DATA.y)
    assert torch.equal(tiny.module_.scale.log2() % 1, torch.zeros(4))
    tuned = FinetuneClassifier(pretrained=tiny.module_.state_dict(), **SHORT)
    assert torch.equal(tuned.fit(DATA.X, DATA.y).module_.scale, tiny.module_.scale)


def test_batches_of_one_row_and_statistics_of_a_batch() -> None:
    module = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2))
    for options in ({"batch_size": 1}, {"iterator_train__batch_size": 1}):
        with pytest.raises(ValueError, match=r"The 'batch_size' parameter must be at least 2 for"):
            fit(module, FinetuneClassifier, **options)
    estimator = fit(MLP, FinetuneClassifier, batch_size=1, max_epochs=3)
    mean = estimator.module_.features[0].running_mean
    np.testing.assert_allclose(mean, DATA.X.mean(0), rtol=1e-4)
