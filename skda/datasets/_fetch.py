"""Download, verify and cache the files of real data sets.

For every data set a cache folder holds either the prepared archive ``<name>.npz`` or the published
files, under ``raw/<name>/``. These files are only read if their SHA-256 is the known one.
"""

import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

DataHome: TypeAlias = str | os.PathLike[str] | None
Arrays: TypeAlias = Mapping[str, NDArray[Any]]

DATA_HOME_VARIABLE = "SKDA_DATA_HOME"


@dataclass(frozen=True)
class RemoteFile:
    """Public address of one published file, and the SHA-256 of its content in hexadecimal."""

    url: str
    sha256: str


def github_files(
    repository: str, commit: str, folder: str, checksums: str
) -> dict[str, RemoteFile]:
    """Return the addresses of files, by name, in a ``owner/name`` GitHub repository at one commit.

    `commit` is the full identifier. `checksums` has a line for each file of `folder`, as
    ``sha256sum`` writes it: checksum, blanks, file name.

    >>> github_files("owner/name", "c0ffee", "data", "00  a.csv")["a.csv"].url
    'https://raw.githubusercontent.com/owner/name/c0ffee/data/a.csv'
    """
    root = f"https://raw.githubusercontent.com/{repository}/{commit}/{folder}"
    lines = [line.split() for line in checksums.strip().splitlines()]
    return {name: RemoteFile(f"{root}/{name}", sha256) for sha256, name in lines}


def get_data_home(data_home: DataHome = None) -> Path:
    """Return the absolute path of the folder that real data is read from and cached in.

    None stands for the environment variable ``SKDA_DATA_HOME``, or ``~/skda_data`` if the variable
    is unset or empty. The folder need not exist.

    >>> get_data_home("/tmp/somewhere").name
    'somewhere'
    """
    chosen = data_home or os.environ.get(DATA_HOME_VARIABLE) or "~/skda_data"
    return Path(chosen).expanduser().absolute()


def read_npz(
    path: str | os.PathLike[str],
    *,
    required: Iterable[str] = (),
    sha256: str | None = None,
    remedy: str = "Bring the right file.",
) -> Arrays:
    """Read an ``.npz`` archive after verifying it; each array is decoded when it is accessed.

    A missing file is a FileNotFoundError. A checksum other than `sha256` (None skips the
    comparison), a file that is no archive, and a missing `required` array are ValueErrors. Every
    message ends with `remedy`, which says what a user can do.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. {remedy}")
    content = path.read_bytes()
    if sha256 is not None:
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            raise ValueError(
                f"{path} is damaged or another version: its sha256 is {found}, expected {sha256}. "
                f"{remedy}"
            )
    try:
        arrays = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path} cannot be read as an .npz archive: {error}. {remedy}") from error
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise ValueError(f"{path} holds a single array, not an .npz archive. {remedy}")
    missing = [name for name in required if name not in arrays]
    if missing:
        raise ValueError(f"{path} lacks the arrays {', '.join(missing)}. {remedy}")
    return arrays


@dataclass(frozen=True)
class DataStore:
    """The prepared archive and the published files of one data set.

    The archive is ``<home>/<name>.npz``; the published files are cached in ``<home>/raw/<name>/``.
    `files` is empty if the data have no stable public address.

    >>> print(DataStore("wine_quality", "00").read_prepared("/nonexistent"))
    None
    """

    name: str
    prepared_sha256: str
    files: Mapping[str, RemoteFile] = field(default_factory=dict)

    def prepared_path(self, data_home: DataHome = None) -> Path:
        """Return the path of the prepared archive in the folder of :func:`get_data_home`."""
        return get_data_home(data_home) / f"{self.name}.npz"

    def read_prepared(self, data_home: DataHome = None) -> Arrays | None:
        """Read the prepared archive; None if there is none, ValueError if its checksum is wrong."""
        path = self.prepared_path(data_home)
        if not path.exists():
            return None
        remedy = "Replace it by the right file, or move it away so that it is not used."
        return read_npz(path, sha256=self.prepared_sha256, remedy=remedy)

    def read_local(
        self, path: DataHome, data_home: DataHome, *, required: Iterable[str], remedy: str
    ) -> Arrays:
        """Read the archive at `path`, without checksum, or the prepared one if `path` is None.

        For data without a public address: a missing file is a FileNotFoundError with this `remedy`.
        """
        if path is not None:
            return read_npz(path, required=required, remedy=remedy)
        prepared = self.read_prepared(data_home)
        if prepared is None:
            raise FileNotFoundError(f"There is no file {self.prepared_path(data_home)}. {remedy}")
        return prepared

    def fetch(
        self,
        names: Iterable[str],
        *,
        data_home: DataHome = None,
        download_if_missing: bool = True,
        progress: bool = False,
        n_retries: int = 3,
    ) -> dict[str, Path]:
        """Return verified local copies of published files, downloading what is missing.

        `names` are keys of `files`; `progress` shows a progress bar and needs tqdm. A failed
        download is tried again `n_retries` times, after 1, 2, 3, ... seconds. A missing file is
        an OSError if it cannot be downloaded, or if `download_if_missing` is False. A download
        without pooch is an ImportError.

        pooch downloads to a temporary file in the same folder and renames it once its checksum
        agrees, so that processes which download the same file at once do not disturb each other.
        """
        folder = get_data_home(data_home) / "raw" / self.name
        paths = {name: folder / name for name in names}
        for name, path in paths.items():
            if path.is_file() and _sha256(path) == self.files[name].sha256:
                continue
            if not download_if_missing:
                state = "has a wrong checksum" if path.exists() else "is missing"
                raise OSError(
                    f"{path} {state} and download_if_missing=False. {self._advice(name, path)}"
                )
            self._download(name, path, progress=progress, n_retries=n_retries)
        return paths

    def _download(self, name: str, path: Path, *, progress: bool, n_retries: int) -> None:
        try:
            import pooch
        except ImportError as error:
            raise ImportError(
                f'Downloading {name} needs pooch: pip install "skda[data]". '
                f"{self._advice(name, path)}"
            ) from error
        remote = self.files[name]
        manager = pooch.create(
            path=path.parent,
            base_url="",
            registry={name: f"sha256:{remote.sha256}"},
            urls={name: remote.url},
            retry_if_failed=n_retries,
        )
        downloader = pooch.HTTPDownloader(progressbar=progress)
        try:
            manager.fetch(name, downloader=downloader)
        except (OSError, ValueError) as error:
            raise OSError(
                f"Could not fetch {name} from {remote.url}: {error} {self._advice(name, path)}"
            ) from error

    def _advice(self, name: str, path: Path) -> str:
        return (
            f"What to do: check the network and call again; or get {self.files[name].url} by other "
            f"means and put it at {path} (sha256 {self.files[name].sha256}); or let data_home or "
            f"the environment variable {DATA_HOME_VARIABLE} name a folder that holds "
            f"raw/{self.name}/{name} or the prepared {self.name}.npz."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
