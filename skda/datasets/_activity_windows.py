"""Cut the phone and watch recordings into windows and describe each by 80 features."""

from pathlib import Path

import numpy as np

CLASSES = ("seated", "standing_up", "walking", "turning", "sitting_down")
CHANNELS = ("ax", "ay", "az", "gx", "gy", "gz")
DEVICE_CODES = {"phone": "sp", "watch": "sw"}
# Fourier coefficients of a 32-sample window at 50 Hz, first to last, and the band's name.
BANDS = {"pow_1.6_3.1hz": (1, 2), "pow_4.7_7.8hz": (3, 5), "pow_9.4_25hz": (6, 16)}
STATISTICS = ("mean", "std", "min", "max", "median", "iqr", "absdiff", *BANDS)
FEATURES = [f"{c}_{s}" for s in STATISTICS for c in (*CHANNELS, "amag", "gmag")]
COLUMNS = ("x_acc", "y_acc", "z_acc", "x_gyro", "y_gyro", "z_gyro")
RAW_WINDOW, RAW_STEP = 64, 32
MIN_LABEL_SHARE = 0.8


def window_features(windows: np.ndarray) -> np.ndarray:
    """Describe windows (n_windows, 6, n_samples) of a six-channel inertial signal.

    The channels are the acceleration along x, y, z in m/s² and the angular velocity along x, y, z
    in rad/s. Returns ten statistics of the six channels and of their two magnitudes, statistic by
    statistic, in shape (n_windows, 80), float32. The power of a band is Σ_k |F_k|² / n over its
    coefficients k, with F the discrete Fourier transform of the centred window.

    >>> features = window_features(np.full((1, 6, 32), 2.0))
    >>> features.shape, round(float(features[0, 6]), 3)  # |(2, 2, 2)| = 3.464
    ((1, 80), 3.464)
    """
    windows = np.asarray(windows, dtype=np.float64)
    magnitudes = np.linalg.norm(windows.reshape(len(windows), 2, 3, -1), axis=2)
    series = np.concatenate([windows, magnitudes], axis=1)
    mean = series.mean(axis=2)
    upper, lower = np.percentile(series, [75, 25], axis=2)
    spectrum = np.abs(np.fft.rfft(series - mean[:, :, None], axis=2)) ** 2 / series.shape[2]
    statistics = [
        mean,
        series.std(axis=2),
        series.min(axis=2),
        series.max(axis=2),
        np.median(series, axis=2),
        upper - lower,
        np.abs(np.diff(series, axis=2)).mean(axis=2),
        *(spectrum[:, :, first : last + 1].sum(axis=2) for first, last in BANDS.values()),
    ]
    return np.concatenate(statistics, axis=1).astype(np.float32)


def cut_windows(samples: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut one recording (n_samples, 6) into labelled windows at half its sampling rate.

    A window has the means of every two successive samples. It is kept if at least 80 % of its
    samples are of one class. Returns the windows, (n_windows, 6, 32), and their classes.

    >>> windows, y = cut_windows(np.zeros((128, 6)), np.repeat([0, 1], 64))
    >>> windows.shape, y  # the middle window holds half of each class
    ((2, 6, 32), array([0, 1]))
    """
    windows, kept = [], []
    for start in range(0, len(samples) - RAW_WINDOW + 1, RAW_STEP):
        classes, counts = np.unique(labels[start : start + RAW_WINDOW], return_counts=True)
        if counts.max() >= MIN_LABEL_SHARE * RAW_WINDOW:
            pairs = samples[start : start + RAW_WINDOW].reshape(RAW_WINDOW // 2, 2, -1)
            windows.append(pairs.mean(axis=1).T)
            kept.append(classes[counts.argmax()])
    shape = (len(windows), samples.shape[1], RAW_WINDOW // 2)
    return np.array(windows).reshape(shape), np.array(kept, dtype=np.int64)


def read_recordings(folder: Path) -> dict[str, np.ndarray]:
    """Read all recordings of a clone of the public repository.

    The folder holds ``DATA/sXX/sXX_YY_sp.csv`` (phone) and ``..._sw.csv`` (watch). Returns the
    arrays ``{phone|watch}_{X|signal|y|subject|run}`` of the prepared archive. A device without
    recordings is a FileNotFoundError; a missing column or an unknown label is a ValueError.
    """
    arrays: dict[str, np.ndarray] = {}
    for device, code in DEVICE_CODES.items():
        paths = sorted(folder.glob(f"DATA/s*/s*_{code}.csv"))
        if not paths:
            raise FileNotFoundError(
                f"{folder} holds no recording DATA/sXX/sXX_YY_{code}.csv. Pass the folder of a "
                "clone of https://github.com/GeoTecINIT/sp-sw-har-dataset."
            )
        parts = [_read_recording(path) for path in paths]
        for key in parts[0]:
            arrays[f"{device}_{key}"] = np.concatenate([part[key] for part in parts])
        arrays[f"{device}_X"] = window_features(arrays[f"{device}_signal"])
    return arrays


def _read_recording(path: Path) -> dict[str, np.ndarray]:
    import pandas as pd

    table = pd.read_csv(path)
    missing = [column for column in (*COLUMNS, "label") if column not in table]
    if missing:
        raise ValueError(f"{path} lacks the columns {', '.join(missing)}.")
    labels = pd.Index(CLASSES).get_indexer(table["label"].str.lower())
    if (labels < 0).any():
        unknown = table["label"][labels < 0].iloc[0]
        raise ValueError(f"{path} has the unknown label {unknown!r}.")
    windows, y = cut_windows(table[list(COLUMNS)].to_numpy(np.float64), labels)
    # The name is sXX_YY_device: the subject and the number of its run.
    subject, run = (int(part.lstrip("s")) for part in path.stem.split("_")[:2])
    return {
        "signal": windows,
        "y": y,
        "subject": np.full(len(y), subject),
        "run": np.full(len(y), run),
    }
