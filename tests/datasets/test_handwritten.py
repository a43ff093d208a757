from dataclasses import replace
from urllib.error import URLError

import numpy as np
import pytest
from sklearn.utils import Bunch

from skda.datasets import _handwritten, _openml_digits, fetch_handwritten_digits, resize_images

COUNTS = (2, 1, 1, 1, 1, 1, 1, 1, 1, 2)
N_TRAIN, N_TEST = sum(COUNTS), 3
SIDES = {"mnist": (28, 28), "usps": (16, 16), "mnistm": (28, 28, 3)}


def make_arrays(name, seed):
    rng = np.random.default_rng(seed)
    y_train = rng.permutation(np.repeat(np.arange(10), COUNTS)).astype(np.uint8)
    return {
        "X_train": rng.integers(0, 256, (N_TRAIN, *SIDES[name]), dtype=np.uint8),
        "y_train": y_train,
        "X_test": rng.integers(0, 256, (N_TEST, *SIDES[name]), dtype=np.uint8),
        "y_test": np.array([seed, 9, 0], np.uint8),
    }


ARRAYS = {name: make_arrays(name, seed) for seed, name in enumerate(SIDES)}


@pytest.fixture
def home(monkeypatch, tmp_path, write_prepared):
    for name, arrays in ARRAYS.items():
        store = write_prepared(_handwritten.STORES[name], arrays)
        monkeypatch.setitem(_handwritten.STORES, name, store)
    return tmp_path


@pytest.mark.parametrize("size", [16, 28])
def test_both_domains_have_one_size(home, size):
    data = fetch_handwritten_digits("mnist", "usps", size=size, data_home=home)
    mnist, usps = ARRAYS["mnist"], ARRAYS["usps"]
    expected = {
        "source": (mnist["X_train"], mnist["y_train"]),
        "target": (usps["X_train"], usps["y_train"]),
        "target_test": (usps["X_test"], usps["y_test"]),
    }
    for part, (X, y) in expected.items():
        np.testing.assert_array_equal(data[f"X_{part}"], resize_images(X[:, None], size))
        assert data[f"X_{part}"].dtype == np.uint8
        np.testing.assert_array_equal(data[f"y_{part}"], y)
    assert list(data.feature_names) == ["grey"]
    assert list(data.target_names) == list("0123456789")


def test_grey_digits_get_the_channels_of_mnistm(home, monkeypatch):
    monkeypatch.setattr(_handwritten, "MNIST_WITHOUT_MNISTM", 5)
    data = fetch_handwritten_digits("mnist", "mnistm", data_home=home)
    # The digits from number 5 on are in MNIST-M.
    assert data.X_source.shape == (5, 3, 28, 28)
    for channel in range(3):
        np.testing.assert_array_equal(data.X_source[:, channel], ARRAYS["mnist"]["X_train"][:5])
        np.testing.assert_array_equal(
            data.X_target[:, channel], ARRAYS["mnistm"]["X_train"][..., channel]
        )
        np.testing.assert_array_equal(
            data.X_target_test[:, channel], ARRAYS["mnistm"]["X_test"][..., channel]
        )
    np.testing.assert_array_equal(data.y_source, ARRAYS["mnist"]["y_train"][:5])
    assert list(data.feature_names) == ["red", "green", "blue"]
    back = fetch_handwritten_digits("mnistm", "mnist", data_home=home)
    assert (len(back.X_target), len(back.X_target_test)) == (5, N_TEST)


def test_float32_is_in_the_unit_range(home):
    data = fetch_handwritten_digits("usps", "mnist", size=16, dtype="float32", data_home=home)
    assert data.X_source.dtype == np.float32
    expected = ARRAYS["usps"]["X_train"][:, None] / 255
    np.testing.assert_allclose(data.X_source, expected, rtol=1e-6)


def test_a_draw_is_fixed_by_its_seed_and_without_replacement(home):
    def draw(**params):
        return fetch_handwritten_digits("usps", "mnist", size=16, data_home=home, **params)

    state = np.random.get_state()[1].copy()  # noqa: NPY002
    small = draw(n_source=7, n_target=5, random_state=3)
    again = draw(n_source=7, n_target=5, random_state=3)
    other = draw(n_source=7, n_target=5, random_state=4)
    target_only = draw(n_target=5, random_state=3)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    np.testing.assert_array_equal(small.X_source, again.X_source)
    np.testing.assert_array_equal(small.X_target, target_only.X_target)
    assert not np.array_equal(small.X_source, other.X_source)
    assert (len(small.X_source), len(small.X_target), len(small.X_target_test)) == (7, 5, N_TEST)

    images = [image.tobytes() for image in ARRAYS["usps"]["X_train"]]
    rows = [images.index(image.tobytes()) for image in small.X_source]
    assert len(set(rows)) == 7
    np.testing.assert_array_equal(small.y_source, ARRAYS["usps"]["y_train"][rows])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"size": 20}, "The 'size' parameter of fetch_handwritten_digits must be"),
        ({"dtype": "float64"}, "The 'dtype' parameter of fetch_handwritten_digits must be"),
        ({"n_source": 0}, r"The 'n_source' parameter .* in the range \[1, inf\)"),
        ({"n_target": 13}, "must be at most 12, the number of training images of usps. Got 13"),
        ({"random_state": -1}, "The 'random_state' parameter of fetch_handwritten_digits must"),
        ({"openml": {"svhn": ("SVHN", 1)}}, "must have the keys 'mnist' and 'usps' at most"),
    ],
)
def test_bad_parameters(home, params, message):
    with pytest.raises(ValueError, match=message):
        fetch_handwritten_digits("mnist", "usps", data_home=home, **params)


def test_mnistm_may_be_brought(tmp_path, home):
    path = tmp_path / "mine.npz"
    mine = make_arrays("mnistm", 7)
    np.savez(path, **mine)
    data = fetch_handwritten_digits("usps", "mnistm", mnistm_path=path, data_home=home)
    np.testing.assert_array_equal(data.X_target, mine["X_train"].transpose(0, 3, 1, 2))
    np.savez(path, **{**mine, "X_test": mine["X_test"][..., 0]})
    with pytest.raises(ValueError, match=r"X_test of .*mine\.npz must be uint8 of shape") as caught:
        fetch_handwritten_digits("usps", "mnistm", mnistm_path=path, data_home=home)
    assert "Got uint8 of shape (3, 28, 28) instead." in str(caught.value)


def test_a_missing_mnistm_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"digits_mnistm\.npz\. MNIST-M has no public home"):
        fetch_handwritten_digits("mnistm", "usps", data_home=tmp_path)


def to_openml(name):
    """Store the made digits the way OpenML does."""
    arrays, form = ARRAYS[name], _openml_digits.OPENML_DIGITS[name]
    pixels = np.concatenate([arrays["X_train"], arrays["X_test"]]).reshape(N_TRAIN + N_TEST, -1)
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]]).astype(int) + form.first_label
    data = pixels / 255 * (form.high - form.low) + form.low
    return Bunch(data=data, target=labels.astype(str).astype(object))


@pytest.fixture
def openml(monkeypatch):
    """Put made digits in OpenML's place; gives the answers by name and the calls made."""
    forms = _openml_digits.OPENML_DIGITS
    for name, form in forms.items():
        monkeypatch.setitem(forms, name, replace(form, train_counts=COUNTS, n_test=N_TEST))
    answers = {"mnist_784": to_openml("mnist"), "USPS": to_openml("usps")}
    calls = []

    def fetch_openml(**params):
        calls.append(params)
        return answers[params["name"]]

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch_openml)
    return answers, calls


def test_openml_stands_in_for_the_prepared_files(openml, tmp_path):
    _, calls = openml
    data = fetch_handwritten_digits("mnist", "usps", size=16, data_home=tmp_path)
    expected = resize_images(ARRAYS["mnist"]["X_train"][:, None], 16)
    np.testing.assert_array_equal(data.X_source, expected)
    np.testing.assert_array_equal(data.X_target[:, 0], ARRAYS["usps"]["X_train"])
    np.testing.assert_array_equal(data.X_target_test[:, 0], ARRAYS["usps"]["X_test"])
    np.testing.assert_array_equal(data.y_target, ARRAYS["usps"]["y_train"])
    np.testing.assert_array_equal(data.y_target_test, ARRAYS["usps"]["y_test"])
    common = {"as_frame": False, "data_home": str(tmp_path)}
    assert calls == [
        {"name": "mnist_784", "version": 1, **common},
        {"name": "USPS", "version": 2, **common},
    ]


def test_another_openml_data_set_may_be_named(openml, tmp_path):
    answers, calls = openml
    answers["my_usps"] = answers["USPS"]
    fetch_handwritten_digits("usps", "mnist", openml={"usps": ("my_usps", 5)}, data_home=tmp_path)
    assert [(call["name"], call["version"]) for call in calls] == [("my_usps", 5), ("mnist_784", 1)]


def test_without_download_openml_is_not_asked(openml, tmp_path):
    with pytest.raises(OSError, match=r"digits_mnist\.npz is missing and download_if_missing"):
        fetch_handwritten_digits(download_if_missing=False, data_home=tmp_path)
    assert openml[1] == []


def test_openml_out_of_reach_says_what_to_do(monkeypatch, tmp_path):
    def fetch_openml(**_):
        raise URLError("no route")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch_openml)
    with pytest.raises(
        OSError, match="Could not fetch 'mnist_784', version 1 from OpenML"
    ) as caught:
        fetch_handwritten_digits(data_home=tmp_path)
    assert "holds the prepared digits_mnist.npz or digits_usps.npz" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"data": np.zeros((5, 256)), "target": ["1"] * 5},
            r"its shape is \(5, 256\), not \(15, 256\)",
        ),
        (
            {"data": np.full((15, 256), 2.0)},
            r"its pixels are in \[2\.0, 2\.0\], not \[-1\.0, 1\.0\]",
        ),
        ({"target": ["10"] * 15}, "its first 12 rows are not the published training set"),
    ],
)
def test_unexpected_openml_data_is_refused(openml, tmp_path, change, message):
    openml[0]["USPS"].update(change)
    with pytest.raises(ValueError, match=message):
        fetch_handwritten_digits("usps", "mnist", data_home=tmp_path)


def test_real_digits(skda_data_home):
    data = fetch_handwritten_digits(
        "mnist", "usps", size=16, n_source=2000, n_target=1800, data_home=skda_data_home
    )
    assert data.X_source.shape == (2000, 1, 16, 16)
    assert data.X_target.shape == (1800, 1, 16, 16)
    assert data.X_target_test.shape == (2007, 1, 16, 16)
    published = [359, 264, 198, 166, 200, 160, 170, 147, 166, 177]
    np.testing.assert_array_equal(np.bincount(data.y_target_test), published)


@pytest.mark.parametrize("name", ["mnist", "usps"])
def test_real_training_counts_are_those_openml_is_held_to(skda_data_home, name):
    form = _openml_digits.OPENML_DIGITS[name]
    with np.load(skda_data_home / f"digits_{name}.npz") as arrays:
        assert tuple(np.bincount(arrays["y_train"])) == form.train_counts
        assert len(arrays["y_test"]) == form.n_test


def test_real_mnistm_shares_no_digit_with_its_source(skda_data_home):
    data = fetch_handwritten_digits("mnist", "mnistm", data_home=skda_data_home)
    assert data.X_source.shape == (50000, 3, 28, 28)
    assert data.X_target.shape == (8000, 3, 28, 28)
    assert data.X_target_test.shape == (9001, 3, 28, 28)
    with np.load(skda_data_home / "digits_mnistm.npz") as arrays:
        assert arrays["train_mnist_index"].min() >= len(data.X_source)
