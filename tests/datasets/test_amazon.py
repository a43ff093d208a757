import numpy as np
import pytest

from skda.datasets import _amazon, fetch_amazon_reviews

FILES = {
    "books_train.svmlight": b"1 0:6 4999:2\n-1 3:1\n",
    "dvd_train.svmlight": b"-1 1:5\n1 2:7 3:1\n1 0:1\n",
    "dvd_test.svmlight": b"1 4998:4\n",
}


def test_published_files_are_parsed(publish):
    home = publish(_amazon, FILES)
    data = fetch_amazon_reviews("books", "dvd", data_home=home)
    expected = np.zeros((2, 5000))
    expected[0, [0, 4999]], expected[1, 3] = [6, 2], 1
    np.testing.assert_array_equal(data.X_source.toarray(), expected)
    np.testing.assert_array_equal(data.y_source, [1, 0])
    np.testing.assert_array_equal(
        data.X_target[:, :4].toarray(), [[0, 5, 0, 0], [0, 0, 7, 1], [1, 0, 0, 0]]
    )
    np.testing.assert_array_equal(data.y_target, [0, 1, 1])
    assert data.X_target_test.shape == (1, 5000)
    assert data.X_target_test[0, 4998] == 4
    np.testing.assert_array_equal(data.y_target_test, [1])
    assert list(data.target_names) == ["negative", "positive"]
    assert len(data.feature_names) == 5000
    for X in (data.X_source, data.X_target, data.X_target_test):
        assert (X.dtype, X.indices.dtype, X.indptr.dtype) == (np.float32, np.int32, np.int32)


def test_only_the_pairs_files_are_needed(publish):
    home = publish(_amazon, FILES)
    X_source, _, X_target, y_target = fetch_amazon_reviews(
        "books", "dvd", data_home=home, return_X_y=True
    )
    assert (X_source.shape, X_target.shape, y_target.shape) == ((2, 5000), (3, 5000), (3,))


def test_an_unknown_domain_is_an_error():
    with pytest.raises(
        ValueError, match="The 'source' parameter of fetch_amazon_reviews must be one"
    ):
        fetch_amazon_reviews("book", "dvd")


@pytest.mark.parametrize(
    ("target", "n_test"), [("books", 4465), ("dvd", 3586), ("electronics", 5681), ("kitchen", 5945)]
)
def test_real_sizes(skda_data_home, target, n_test):
    source = "dvd" if target == "books" else "books"
    data = fetch_amazon_reviews(source, target, data_home=skda_data_home)
    assert data.X_source.shape == data.X_target.shape == (2000, 5000)
    assert data.X_target_test.shape == (n_test, 5000)
    assert data.y_source.sum() == data.y_target.sum() == 1000


def test_real_published_files_equal_the_prepared_archive(compare_raw_with_prepared):
    compare_raw_with_prepared(fetch_amazon_reviews, _amazon.DOMAINS)
