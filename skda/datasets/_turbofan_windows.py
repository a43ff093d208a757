"""Cut the records of turbofan engines into windows, each with the engine's remaining life."""

from pathlib import Path

import numpy as np

N_SETTINGS, N_SENSORS = 3, 21
CHANNELS = (
    *(f"setting_{i}" for i in range(1, N_SETTINGS + 1)),
    *(f"sensor_{i}" for i in range(1, N_SENSORS + 1)),
)
N_COLUMNS = 2 + len(CHANNELS)


def windows_of_engine(cycles: np.ndarray, length: int, step: int | None) -> np.ndarray:
    """Cut the cycles (n_cycles, n_channels) of one engine into windows that follow one another.

    The last window ends at the last cycle, the one before it `step` cycles earlier, and so on;
    None keeps the last window alone. If the engine has fewer cycles than `length`, its first cycle
    is repeated. Returns shape (n_windows, n_channels, length).

    >>> windows_of_engine(np.arange(5.0)[:, None], 3, 2)[:, 0]
    array([[0., 1., 2.],
           [2., 3., 4.]])
    >>> windows_of_engine(np.arange(2.0)[:, None], 4, 1)[:, 0]
    array([[0., 0., 0., 1.]])
    """
    missing = max(0, length - len(cycles))
    padded = np.concatenate([np.repeat(cycles[:1], missing, axis=0), cycles])
    every = np.lib.stride_tricks.sliding_window_view(padded, length, axis=0)
    return every[-1:] if step is None else every[::-1][::step][::-1]


def cut_engines(
    table: np.ndarray, length: int, step: int | None, rul: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut a table (n_cycles, 26) of engines, whose columns are engine, cycle and the channels.

    `rul` has the remaining life of each engine after its last cycle, in cycles; None means 0: all
    ran until they failed. Returns the windows (n_windows, 24, length) as float32, the remaining
    life after each window as float32, and the engine of each window as int64.

    >>> table = np.zeros((5, 26))
    >>> table[:, 0], table[:, 1] = [1, 1, 1, 2, 2], [1, 2, 3, 1, 2]
    >>> windows, life, engines = cut_engines(table, 2, 1)
    >>> life, engines
    (array([1., 0., 0.], dtype=float32), array([1, 1, 2]))
    """
    numbers, first = np.unique(table[:, 0].astype(np.int64), return_index=True)
    left = np.zeros(len(numbers)) if rul is None else rul
    windows, lives, engines = [], [], []
    for number, cycles, life in zip(numbers, np.split(table, first[1:]), left, strict=True):
        of_engine = windows_of_engine(cycles[:, 2:], length, step)
        before_last = np.arange(len(of_engine))[::-1] * (step or 1)
        windows.append(of_engine.astype(np.float32))
        lives.append(life + before_last)
        engines.append(np.full(len(of_engine), number))
    life = np.concatenate(lives).astype(np.float32)
    return np.concatenate(windows), life, np.concatenate(engines)


def read_folder(folder: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read some of the published sets, such as FD001, from the folder of their text files.

    Returns the arrays ``<name>_train``, ``<name>_test`` and ``<name>_rul`` of each set, as in the
    prepared archive. A missing file is a FileNotFoundError, a wrong number of columns a ValueError.
    """
    arrays = {}
    for name in names:
        for kind, file, n_columns in (
            ("train", f"train_{name}.txt", N_COLUMNS),
            ("test", f"test_{name}.txt", N_COLUMNS),
            ("rul", f"RUL_{name}.txt", 1),
        ):
            path = folder / file
            if not path.is_file():
                raise FileNotFoundError(
                    f"There is no file {path}. Pass the folder that holds the text files of "
                    "NASA's C-MAPSS archive."
                )
            table = np.loadtxt(path, dtype=np.float32, ndmin=2)
            if table.shape[1] != n_columns:
                raise ValueError(
                    f"{path} has {table.shape[1]} columns and not {n_columns}: it is not the file "
                    "of NASA's C-MAPSS archive."
                )
            arrays[f"{name}_{kind}"] = table if n_columns > 1 else table[:, 0]
    return arrays
