import itertools
import re

import numpy as np
import pytest

from skda.datasets import _activity, fetch_phone_watch
from skda.datasets._activity_windows import (
    CLASSES,
    STATISTICS,
    cut_windows,
    read_recordings,
    window_features,
)

HEADER = "x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp,label\n"


def make_arrays():
    """One window per subject and device; its values encode the subject and the device."""
    subjects = np.arange(1, 24, dtype=np.uint8)
    arrays = {}
    for device, offset in (("phone", 0), ("watch", 100)):
        value = (subjects + offset).astype(np.float32)
        arrays[f"{device}_X"] = np.repeat(value[:, None], 80, axis=1)
        arrays[f"{device}_signal"] = np.broadcast_to(value[:, None, None], (23, 6, 32)).astype(
            np.float16
        )
        arrays[f"{device}_y"] = subjects % 5
        arrays[f"{device}_subject"] = subjects
    return arrays


@pytest.fixture
def home(monkeypatch, tmp_path, write_prepared):
    monkeypatch.setattr(_activity, "STORE", write_prepared(_activity.STORE, make_arrays()))
    return tmp_path


def test_subjects_are_split_and_all_target_windows_scored(home):
    data = fetch_phone_watch("phone", "watch", data_home=home)
    np.testing.assert_array_equal(data.X_source[:, 0], np.arange(1, 12))
    np.testing.assert_array_equal(data.X_target[:, 79], np.arange(112, 124))
    np.testing.assert_array_equal(data.y_source, np.arange(1, 12) % 5)
    np.testing.assert_array_equal(data.y_target, np.arange(12, 24) % 5)
    np.testing.assert_array_equal(data.groups_source, np.arange(1, 12))
    np.testing.assert_array_equal(data.groups_target, np.arange(12, 24))
    assert data.X_target_test is data.X_target
    assert data.groups_target_test is data.groups_target
    assert data.X_source.shape == (11, 80)


def test_the_other_way_round_as_signal(home):
    data = fetch_phone_watch("watch", "phone", signal=True, data_home=home)
    assert data.X_source.shape == (11, 6, 32)
    assert data.X_source.dtype == np.float32
    np.testing.assert_array_equal(data.X_source[:, 0, 0], np.arange(101, 112))
    np.testing.assert_array_equal(data.X_target[:, 5, 31], np.arange(12, 24))
    assert list(data.feature_names) == ["ax", "ay", "az", "gx", "gy", "gz"]


def test_test_subjects_are_left_out_of_adaptation(home):
    data = fetch_phone_watch(test_subjects=[13, 20], data_home=home, as_frame=True)
    assert data.X_target_test["ax_mean"].tolist() == [113, 120]
    assert data.y_target_test.tolist() == [3, 0]
    assert data.groups_target_test.tolist() == [13, 20]
    assert data.groups_target.tolist() == [12, 14, 15, 16, 17, 18, 19, 21, 22, 23]
    assert len(data.X_target) == 10


@pytest.mark.parametrize("subjects", [[], [11], [12.5], range(12, 24), ["12"]])
def test_test_subjects_must_be_some_of_the_targets(home, subjects):
    with pytest.raises(ValueError, match="The 'test_subjects' parameter of fetch_phone_watch must"):
        fetch_phone_watch(test_subjects=subjects, data_home=home)


def test_windows_fit_no_frame(home):
    with pytest.raises(ValueError, match="as_frame=True of fetch_phone_watch needs signal=False"):
        fetch_phone_watch(signal=True, as_frame=True, data_home=home)


def test_a_missing_file_says_what_to_do(tmp_path):
    expected = re.escape(f"There is no file {tmp_path / 'har_phone_watch.npz'}. The windows have")
    with pytest.raises(FileNotFoundError, match=expected) as caught:
        fetch_phone_watch(data_home=tmp_path)
    assert "clone https://github.com/GeoTecINIT/sp-sw-har-dataset" in str(caught.value)


def test_a_users_archive_needs_its_arrays(tmp_path):
    arrays = make_arrays()
    path = tmp_path / "mine.npz"
    np.savez(path, **arrays)
    data = fetch_phone_watch(path=path)
    np.testing.assert_array_equal(data.X_target[:, 0], np.arange(112, 124))
    del arrays["watch_signal"]
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"mine\.npz lacks the arrays watch_signal\."):
        fetch_phone_watch(path=path)


def naive_features(window):
    """The features again, with loops over samples and coefficients."""
    channels = [list(channel) for channel in window]
    for first in (0, 3):
        axes = window[first : first + 3]
        channels.append([sum(v * v for v in sample) ** 0.5 for sample in axes.T])
    columns = []
    for channel in channels:
        n, ordered = len(channel), sorted(channel)
        mean = sum(channel) / n

        def quantile(share, ordered=ordered, n=n):
            position = share * (n - 1)
            low = int(position)
            return ordered[low] + (position - low) * (ordered[low + 1] - ordered[low])

        def power(first, last, channel=channel, n=n, mean=mean):
            total = 0.0
            for k in range(first, last + 1):
                angle = [2 * np.pi * k * t / n for t in range(n)]
                real = sum((v - mean) * np.cos(a) for v, a in zip(channel, angle, strict=True))
                imaginary = sum((v - mean) * np.sin(a) for v, a in zip(channel, angle, strict=True))
                total += (real**2 + imaginary**2) / n
            return total

        columns.append(
            [
                mean,
                (sum((v - mean) ** 2 for v in channel) / n) ** 0.5,
                ordered[0],
                ordered[-1],
                quantile(0.5),
                quantile(0.75) - quantile(0.25),
                sum(abs(b - a) for a, b in itertools.pairwise(channel)) / (n - 1),
                power(1, 2),
                power(3, 5),
                power(6, 16),
            ]
        )
    return np.array(columns).T.ravel()


def test_features_equal_the_naive_recipe():
    windows = np.random.default_rng(0).normal(size=(3, 6, 32))
    expected = np.array([naive_features(window) for window in windows])
    np.testing.assert_allclose(window_features(windows), expected, rtol=1e-5, atol=1e-6)


def test_windows_need_eighty_percent_of_one_label():
    samples = np.random.default_rng(0).normal(size=(129, 6))
    # The windows begin at 0, 32 and 64; they hold 64, 51 and 19 samples of the first label.
    windows, y = cut_windows(samples, np.repeat([2, 4], [83, 46]))
    np.testing.assert_array_equal(y, [2])
    windows, y = cut_windows(samples, np.repeat([2, 4], [84, 45]))
    np.testing.assert_array_equal(y, [2, 2])
    expected = [(samples[32 + 2 * t] + samples[33 + 2 * t]) / 2 for t in range(32)]
    np.testing.assert_allclose(windows[1], np.transpose(expected), rtol=1e-12)


def test_a_recording_too_short_or_mixed_gives_no_window():
    assert cut_windows(np.zeros((63, 6)), np.zeros(63, int))[0].shape == (0, 6, 32)
    assert cut_windows(np.zeros((64, 6)), np.arange(64) % 2)[0].shape == (0, 6, 32)


def write_recording(folder, subject, run, code, value, label, n=64):
    path = folder / "DATA" / f"s{subject:02d}" / f"s{subject:02d}_{run:02d}_{code}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    row = ",".join(str(value + axis) for axis in range(6))
    path.write_text(HEADER + f"{row},1657533977813,{label}\n" * n)
    return path


def test_a_clone_of_the_repository_is_read(tmp_path):
    for subject, label in ((2, "SEATED"), (11, "TURNING"), (12, "WALKING"), (23, "SITTING_DOWN")):
        write_recording(tmp_path, subject, 1, "sp", subject, label)
        write_recording(tmp_path, subject, 10, "sw", -subject, label, n=96)
    data = fetch_phone_watch("phone", "watch", path=tmp_path, signal=True)
    assert data.X_source.shape == (2, 6, 32)
    np.testing.assert_array_equal(data.X_source[:, :, 0], [range(2, 8), range(11, 17)])
    assert [CLASSES[y] for y in data.y_source] == ["seated", "turning"]
    # 96 samples make two overlapping windows.
    assert data.groups_target.tolist() == [12, 12, 23, 23]
    np.testing.assert_array_equal(data.X_target[:, 0, 0], [-12, -12, -23, -23])
    assert [CLASSES[y] for y in data.y_target] == ["walking"] * 2 + ["sitting_down"] * 2
    features = fetch_phone_watch("phone", "watch", path=tmp_path)
    np.testing.assert_array_equal(features.X_source[:, :6], data.X_source[:, :, 0])
    assert read_recordings(tmp_path)["watch_run"].tolist() == [10] * 8


def test_unreadable_recordings_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no recording DATA/sXX/sXX_YY_sp\.csv"):
        fetch_phone_watch(path=tmp_path)
    path = write_recording(tmp_path, 1, 1, "sp", 0, "FLYING")
    with pytest.raises(ValueError, match=r"s01_01_sp\.csv has the unknown label 'FLYING'"):
        fetch_phone_watch(path=tmp_path)
    path.write_text("x_acc,y_acc\n1,2\n")
    with pytest.raises(ValueError, match=r"s01_01_sp\.csv lacks the columns z_acc, x_gyro"):
        fetch_phone_watch(path=tmp_path)


def test_real_sizes(skda_data_home):
    data = fetch_phone_watch("phone", "watch", data_home=skda_data_home)
    assert (data.X_source.shape, data.X_target.shape) == ((2848, 80), (3226, 80))
    data = fetch_phone_watch("watch", "phone", data_home=skda_data_home, signal=True)
    assert (data.X_source.shape, data.X_target.shape) == ((2905, 6, 32), (3162, 6, 32))
    assert data.y_source.max() == 4


@pytest.mark.parametrize("domain", _activity.DOMAINS)
def test_real_features_follow_from_the_signal(skda_data_home, domain):
    with np.load(skda_data_home / "har_phone_watch.npz") as arrays:
        expected, signal = arrays[f"{domain}_X"], arrays[f"{domain}_signal"]
        assert list(arrays["classes"]) == list(CLASSES)
        assert list(arrays["feature_names"]) == _activity.FEATURES
    # The archive's signal is rounded to float16; its features come from the unrounded signal.
    error = np.abs(window_features(signal) - expected) / (1 + np.abs(expected))
    worst = error.reshape(-1, 10, 8).max(axis=(0, 2))
    assert worst.max() < 0.007, dict(zip(STATISTICS, worst, strict=True))
