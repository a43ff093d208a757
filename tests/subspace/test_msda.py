import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from skda import make_pipeline
from skda.preprocessing import DomainScaler
from skda.subspace import MSDA


class CheckedMSDA(MSDA):
    """Lets scikit-learn's checks, which pass no second domain, call ``fit(X, y)``."""

    def fit(self, X_source, y_source=None, X_target=None):
        return super().fit(X_source, y_source, X_source if X_target is None else X_target)

    def fit_transform(self, X, y=None):
        return super().fit_transform(X, y)


CheckedMSDA.__doc__ = MSDA.__doc__


@parametrize_with_checks(
    [CheckedMSDA(), CheckedMSDA(1, n_layers=1, include_input=False)],
    expected_failed_checks=lambda _: {
        "check_fit_score_takes_y": "the labels of the source are called y_source, not y",
    },
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


def draw_words(n):
    """Words of a topic come together, some of them in one domain only."""
    rng = np.random.default_rng(0)
    topics = rng.random((n, 2)) < 0.5
    counts = rng.poisson(1.5, size=(n, 6)) * np.repeat(topics, 3, axis=1)
    source, target = np.split(counts.astype(float), [3 * n // 5])
    source[:, 2] = target[:, 1] = 0
    return source, target


@pytest.fixture
def words():
    return draw_words(30)


def simulated_weights(rows, corruption, reg, copies):
    """Ridge regression of the rows on copies that are corrupted by drawing."""
    rng = np.random.default_rng(1)
    n, width = rows.shape
    noisy = np.tile(rows, (copies, 1)) * (rng.random((copies * n, width)) >= corruption)
    noisy = np.column_stack([noisy, np.ones(len(noisy))])
    gram = noisy.T @ noisy / copies + reg * np.eye(width + 1)
    return np.linalg.inv(gram) @ (noisy.T @ np.tile(rows, (copies, 1)) / copies)


@pytest.mark.parametrize("corruption", [0.2, 0.5, 0.8])
def test_weights_are_those_of_simulated_corruption(words, corruption):
    msda = MSDA(corruption=corruption, reg=0.1, n_layers=2).fit(words[0], X_target=words[1])
    rows = np.vstack(words)
    for weights in msda.weights_:
        expected = simulated_weights(rows, corruption, 0.1, copies=20_000)
        np.testing.assert_allclose(weights, expected, atol=0.02)
        assert abs(expected).max() > 0.2
        rows = np.tanh(np.column_stack([rows, np.ones(len(rows))]) @ weights)


def test_weights_of_one_column_by_hand():
    # S = [[1 + 4 + 9, 6], [6, 3]], q = (.5, 1): Q = [[7, 3], [3, 3]], P = [7, 6]
    msda = MSDA(n_layers=1, reg=1e-12, include_input=False).fit([[1.0], [2.0]], X_target=[[3.0]])
    np.testing.assert_allclose(msda.weights_[0], [[0.25], [1.75]], rtol=1e-9)
    np.testing.assert_allclose(msda.transform([[4.0]]), [[np.tanh(2.75)]], rtol=1e-9)


@pytest.mark.parametrize("word", [1, 2], ids=["of the source", "of the target"])
def test_a_word_of_one_domain_raises_what_both_domains_say_beside_it(word):
    source, target = draw_words(1000)
    msda = MSDA(n_layers=1, include_input=False).fit(source, X_target=target)
    rows = np.zeros((2, 6))
    rows[1, word] = 2
    without, with_word = msda.transform(rows)
    assert with_word[0] > without[0] + 0.05
    # the gain of the words of the other topic
    assert with_word[0] - without[0] > (with_word[3:] - without[3:]).max() + 0.05


def test_the_columns_of_the_largest_sums_of_squares_are_reconstructed(words):
    whole = MSDA(n_layers=1).fit(words[0], X_target=words[1])
    narrow = MSDA(2, n_layers=2, include_input=False).fit(words[0], X_target=words[1])
    squares = (np.vstack(words) ** 2).sum(axis=0)
    largest = np.sort(np.argsort(squares)[-2:])
    np.testing.assert_array_equal(narrow.columns_, largest)
    np.testing.assert_allclose(narrow.weights_[0], whole.weights_[0][:, largest], rtol=1e-10)
    assert narrow.weights_[1].shape == (3, 2)


def test_output_is_the_input_and_all_layers(words):
    msda = MSDA(4, n_layers=2).fit(words[0], X_target=words[1])
    mapped = msda.transform(words[1])
    first = np.tanh(words[1] @ msda.weights_[0][:-1] + msda.weights_[0][-1])
    second = np.tanh(first @ msda.weights_[1][:-1] + msda.weights_[1][-1])
    np.testing.assert_allclose(mapped, np.hstack([words[1], first, second]), rtol=1e-12)
    assert list(msda.get_feature_names_out()) == [f"msda{i}" for i in range(14)]
    without = clone(msda).set_params(include_input=False).fit(words[0], X_target=words[1])
    np.testing.assert_array_equal(without.transform(words[1]), mapped[:, 6:])


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix])
@pytest.mark.parametrize("n_components", [None, 3])
def test_sparse_rows_give_what_dense_rows_give(words, kind, n_components):
    dense = MSDA(n_components).fit(words[0], X_target=words[1])
    thin = MSDA(n_components).fit(kind(words[0]), X_target=kind(words[1]))
    mixed = MSDA(n_components).fit(words[0], X_target=kind(words[1]))
    expected = dense.transform(words[1])
    for msda in (thin, mixed):
        np.testing.assert_allclose(msda.transform(kind(words[1])), expected, atol=1e-9)


def test_domain_does_not_matter_in_transform_and_float32_stays(words):
    msda = MSDA().fit(words[0].astype(np.float32), X_target=words[1].astype(np.float32))
    rows = words[1].astype(np.float32)
    as_source, as_target = msda.transform(rows, domain="source"), msda.transform(rows)
    np.testing.assert_array_equal(as_source, as_target)
    assert as_target.dtype == np.float32


def test_both_domains_matter(words):
    reference = MSDA().fit(words[0], X_target=words[1]).weights_[0]
    assert abs(MSDA().fit(words[0], X_target=words[1] + 1).weights_[0] - reference).max() > 0.01
    assert abs(MSDA().fit(words[0] + 1, X_target=words[1]).weights_[0] - reference).max() > 0.01


def test_pipeline_from_sparse_counts_gives_what_the_steps_by_hand_give(words):
    source, target = (sparse.csr_array(rows) for rows in words)
    labels = np.arange(18) % 2
    pipe = make_pipeline(DomainScaler(TfidfTransformer()), MSDA(4), LogisticRegression())
    pipe.fit(source, labels, X_target=target)
    tfidf = DomainScaler(TfidfTransformer()).fit(source, X_target=target)
    weighted = tfidf.transform(source, domain="source"), tfidf.transform(target)
    msda = MSDA(4).fit(weighted[0], X_target=weighted[1])
    by_hand = LogisticRegression().fit(msda.transform(weighted[0], domain="source"), labels)
    expected = by_hand.decision_function(msda.transform(weighted[1]))
    np.testing.assert_allclose(pipe.decision_function(target), expected, atol=1e-9)


def test_rows_are_kept(words):
    for rows in words:
        rows.flags.writeable = False
    before = words[0].copy()
    mapped = MSDA().fit_transform(words[0], X_target=words[1])
    mapped += 1
    np.testing.assert_array_equal(words[0], before)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"corruption": 0}, r"'corruption' parameter of CheckedMSDA must be a float in .*\(0.0, 1"),
        ({"corruption": 1.0}, "'corruption' parameter"),
        ({"n_layers": 0}, "'n_layers' parameter"),
        ({"reg": 0.0}, "'reg' parameter"),
        ({"n_components": 7}, "'n_components' parameter of CheckedMSDA must be at most 6 .* Got 7"),
    ],
)
def test_parameters_are_checked(words, params, message):
    with pytest.raises(ValueError, match=message):
        CheckedMSDA(**params).fit(words[0], X_target=words[1])


def test_target_is_required(words):
    with pytest.raises(ValueError, match=r"MSDA adapts to the target domain and requires X_target"):
        MSDA().fit(words[0])
