import inspect
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from torch import nn
from torch.utils.data import DataLoader

from skda import DANClassifier, DANNClassifier, FinetuneClassifier
from skda._building.parameters import NetParametersMixin, check_arguments, did_you_mean
from skda.nn import MLP


class Parent(NetParametersMixin, BaseEstimator):
    """Top.

    Parameters
    ----------
    alpha : float, default=1.0
        First.
    beta : int, default=2
        Second,
        on two lines.
    **params
        Of skorch.

    Attributes
    ----------
    net_ : object
        The net.
    """

    def __init__(self, alpha: float = 1.0, *, beta: int = 2, **params: Any) -> None:
        self.alpha = alpha
        self.beta = beta
        self._store_net_params(params)


class Child(Parent):
    """Bottom.

    Parameters
    ----------
    gamma : str, default="g"
        Third.
    beta : int, default=5
        Another default.
    **params
        Parameters of `Parent`.

    Notes
    -----
    None.
    """

    def __init__(self, *, gamma: str = "g", beta: int = 5, **params: Any) -> None:
        super().__init__(beta=beta, **params)
        self.gamma = gamma


def test_signature_shows_the_inherited_parameters_and_no_more() -> None:
    parameters = inspect.signature(Child).parameters
    assert {name: p.default for name, p in parameters.items()} == {
        "gamma": "g",
        "beta": 5,
        "alpha": 1.0,
    }
    assert Child().get_params() == {"gamma": "g", "beta": 5, "alpha": 1.0}
    assert list(inspect.signature(Parent).parameters) == ["alpha", "beta"]


def test_docstring_shows_the_inherited_parameters_once() -> None:
    assert Child.__doc__.splitlines() == [
        "Bottom.",
        "",
        "Parameters",
        "----------",
        'gamma : str, default="g"',
        "    Third.",
        "beta : int, default=5",
        "    Another default.",
        "alpha : float, default=1.0",
        "    First.",
        "**params",
        "    Parameters of `Parent`.",
        "",
        "Attributes",
        "----------",
        "net_ : object",
        "    The net.",
        "",
        "Notes",
        "-----",
        "None.",
    ]


class Cited(Parent):
    """Cited.

    Parameters
    ----------
    **params
        Parameters of `Parent`.

    References
    ----------
    .. [1] A paper.
    """


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("", ["", "References", "----------", ".. [1] A paper."]),
        (
            "Examples\n--------\n>>> 1\n1",
            ["", "References", "----------", ".. [1] A paper.", "", "Examples"],
        ),
        (
            "References\n----------\n.. [1] Another.",
            ["References", "----------", ".. [1] Another."],
        ),
    ],
)
def test_the_references_of_a_parent_are_shown_unless_a_class_has_its_own(own, expected) -> None:
    doc = f"Citing.\n\nParameters\n----------\n**params\n    Further ones.\n\n{own}\n"
    lines = type("Citing", (Cited,), {"__doc__": doc}).__doc__.splitlines()
    assert lines.count("References") == 1
    at = lines.index(expected[-1])
    assert lines[at - len(expected) + 1 : at + 1] == expected
    assert ">>> 1" in lines[-2:] or lines[-1] == expected[-1]


@pytest.mark.parametrize("cls", [DANNClassifier, DANClassifier, FinetuneClassifier])
def test_every_parameter_of_an_estimator_is_documented(cls: type) -> None:
    for name in inspect.signature(cls).parameters:
        entries = [line for line in cls.__doc__.splitlines() if line.startswith(f"{name} :")]
        assert len(entries) == 1, name


def test_double_underscore_parameters_are_parameters() -> None:
    estimator = DANNClassifier(module__hidden=(3,), optimizer__momentum=0.9)
    params = estimator.get_params()
    assert params["module__hidden"] == (3,)
    assert params["optimizer__momentum"] == 0.9
    assert estimator.net_params("module") == {"hidden": (3,)}
    assert estimator.net_params("criterion") == {}
    assert clone(estimator).get_params() == params
    assert "module__hidden=(3,)" in repr(estimator)


def test_set_params_takes_parameters_that_were_not_there() -> None:
    estimator = DANNClassifier(module__hidden=(3,))
    assert estimator.set_params(lam=2, module__hidden=(4,), discriminator__hidden=(5,)) is estimator
    assert (estimator.lam, estimator.module__hidden) == (2, (4,))
    assert estimator.get_params()["discriminator__hidden"] == (5,)
    loader = object()
    assert estimator.set_params(iterator_train=loader).get_params()["iterator_train"] is loader
    assert "iterator_train" not in DANNClassifier().get_params()


def test_set_params_sets_all_or_nothing() -> None:
    estimator = DANNClassifier(lam=1)
    with pytest.raises(ValueError, match="Unexpected argument lamb, did you mean lam"):
        estimator.set_params(lam=3, module__hidden=(4,), lamb=2)
    assert estimator.get_params() == DANNClassifier(lam=1).get_params()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("module_hidden", "did you mean module__hidden?"),
        ("optimizer_weight_decay", "did you mean optimizer__weight_decay?"),
        ("iterator_train_num_workers", "did you mean iterator_train__num_workers?"),
        ("discriminator_hidden", "did you mean discriminator__hidden?"),
        ("lambda_", "did you mean lam?"),
        ("max_epoch", "did you mean max_epochs?"),
        ("module__", "did you mean module?"),
        ("zzz", "Known arguments are: adapt_batch_norm, adapt_layers, amp, backbone_lr_ratio,"),
    ],
)
def test_misspelt_argument(name: str, message: str) -> None:
    with pytest.raises(TypeError) as constructing:
        DANNClassifier(**{name: 1})
    with pytest.raises(ValueError, match="Unexpected argument") as setting:
        DANNClassifier().set_params(**{name: 1})
    for error in (constructing, setting):
        assert str(error.value).startswith(f"Unexpected argument {name}")
        assert message in str(error.value)


def test_a_discriminators_options_are_no_parameters_of_a_method_without_one() -> None:
    with pytest.raises(TypeError, match="Unexpected argument discriminator__hidden"):
        DANClassifier(discriminator__hidden=(3,))


def test_did_you_mean_looks_at_the_longest_name_that_is_near() -> None:
    assert did_you_mean("compiler", ["compile", "lam"], ["compile"]) == (
        "Unexpected argument compiler, did you mean compile?"
    )
    assert did_you_mean("q", ["lam", "alpha"]) == (
        "Unexpected argument q. Known arguments are: alpha, lam."
    )


def test_arguments_of_components_are_checked() -> None:
    check_arguments(MLP, ["hidden", "dropout"], "module")
    message = "Unexpected argument module__hiden, did you mean module__hidden?"
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        check_arguments(MLP, ["hiden"], "module")
    check_arguments(lambda **options: None, ["anything"], "module")
    with pytest.raises(ValueError, match="criterion__label_smooth, did you mean criterion__label_"):
        check_arguments(nn.CrossEntropyLoss, ["label_smooth"], "criterion")


class Loader(DataLoader[Any]):
    """A loader of the user's that has an option of its own."""

    def __init__(self, dataset: Any, batch_sampler: Any, generator: Any, tries: int = 1) -> None:
        super().__init__(dataset, batch_sampler=batch_sampler, generator=generator)


@pytest.mark.parametrize(
    ("options", "near"),
    [
        ({"module__hiden": 1}, "module__hidden"),
        ({"criterion__weigth": 1}, "criterion__weight"),
        ({"optimizer__weigth_decay": 1}, "optimizer__weight_decay"),
        ({"discriminator__hiden": 1}, "discriminator__hidden"),
        ({"iterator_train__num_worker": 0}, "iterator_train__num_workers"),
        ({"iterator_valid__num_worker": 0}, "iterator_valid__num_workers"),
        ({"iterator_train": Loader, "iterator_train__trys": 2}, "iterator_train__tries"),
        ({"callbacks__print_lg__sink": print}, "callbacks__print_log"),
        ({"compile__mod": "default"}, "compile__mode"),
    ],
)
def test_a_misspelt_option_of_any_component_is_refused_in_fit(options: Any, near: str) -> None:
    X, y = np.random.default_rng(0).normal(size=(8, 3)), np.arange(8) % 2
    message = rf"Unexpected argument \w+, did you mean {near}\?"
    for call in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=message):
            getattr(DANNClassifier(max_epochs=1, **options), call)(X, y, X)


def test_the_options_of_a_loader_of_the_user_s() -> None:
    X, y = np.random.default_rng(0).normal(size=(8, 3)), np.arange(8) % 2
    options = {
        "iterator_train": Loader,
        "iterator_train__tries": 2,
        "iterator_train__batch_size": 4,
    }
    assert len(DANNClassifier(max_epochs=1, **options).fit(X, y, X).predict(X)) == 8
