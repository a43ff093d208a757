import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageOps

from skda import FinetuneClassifier
from skda.datasets import ImageFiles

SHAPES = {"ants": (12, 20), "bees": (20, 12)}  # height, width


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, shape in SHAPES.items():
        (tmp_path / name / "more").mkdir(parents=True)
        for i in range(4):
            below = "more" if i == 3 else ""
            pixels = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / below / f"{i}.png")
    (tmp_path / "ants" / "notes.txt").write_text("no image")
    return tmp_path


def test_a_folder_for_each_class(folder: Path) -> None:
    images = ImageFiles.from_folder(folder, size=8)
    assert images.targets.tolist() == ["ants"] * 4 + ["bees"] * 4
    image, label = images[4]
    assert (image.shape, image.dtype, label) == ((3, 8, 8), torch.uint8, "bees")
    array = images.load()
    assert (array.shape, array.dtype) == ((8, 3, 8, 8), np.uint8)
    np.testing.assert_array_equal(array[4], image)


def test_the_shorter_side_is_scaled_and_the_middle_cut_out(folder: Path) -> None:
    path = folder / "ants" / "0.png"
    (same,) = ImageFiles([path], size=12).load()
    np.testing.assert_array_equal(same, np.asarray(Image.open(path)).transpose(2, 0, 1)[:, :, 4:16])
    (half,) = ImageFiles([path], size=6).load()
    expected = Image.open(path).resize((10, 6), Image.Resampling.BILINEAR)
    expected = ImageOps.fit(expected, (6, 6))
    assert np.abs(half.transpose(1, 2, 0) - np.asarray(expected, dtype=float)).max() <= 2


def test_paths_in_a_column_of_a_frame(folder: Path) -> None:
    frame = pd.DataFrame({"path": [str(folder / "ants" / "0.png"), str(folder / "bees" / "0.png")]})
    frame["label"] = [3, 5]
    images = ImageFiles(frame["path"], frame["label"], size=8)
    assert len(images) == 2
    assert images[1][1] == 5
    assert ImageFiles(frame["path"], size=8)[0].shape == (3, 8, 8)  # a row, not a pair


def test_grey_and_transparent_images_have_three_channels(tmp_path: Path) -> None:
    Image.new("L", (9, 9), 7).save(tmp_path / "grey.png")
    Image.new("RGBA", (9, 9), (1, 2, 3, 128)).save(tmp_path / "clear.png")
    paths = [tmp_path / "grey.png", tmp_path / "clear.png"]
    assert ImageFiles(paths, size=4).load()[:, :, 0, 0].tolist() == [[7, 7, 7], [1, 2, 3]]


def test_transforms_of_pil_and_of_tensors(folder: Path) -> None:
    paths = [folder / "ants" / "0.png"]
    to_grey = ImageFiles(paths, transform=lambda image: image.convert("L").resize((5, 4)))
    assert to_grey[0].shape == (1, 4, 5)
    assert to_grey[0].dtype == torch.uint8
    to_rows = ImageFiles(paths, transform=lambda image: torch.ones(2, 2))
    assert torch.equal(to_rows[0], torch.ones(2, 2))
    assert ImageFiles(paths).unchanging
    assert not to_grey.unchanging


def test_an_estimator_takes_them_and_datasets_of_pil_images(folder: Path) -> None:
    images = ImageFiles.from_folder(folder, size=8)
    few: dict[str, Any] = {"max_epochs": 1, "random_state": 0}
    fitted = FinetuneClassifier(**few).fit(images, None)
    assert fitted.classes_.tolist() == ["ants", "bees"]

    class OfTorchvision(torch.utils.data.Dataset[Any]):
        """As ImageFolder with a transform that returns PIL images."""

        def __len__(self) -> int:
            return 8

        def __getitem__(self, i: int) -> Any:
            row, _ = images[i]
            return Image.fromarray(row.permute(1, 2, 0).numpy()), i // 4

    same = FinetuneClassifier(**few).fit(OfTorchvision(), None)
    np.testing.assert_array_equal(
        same.predict_proba(OfTorchvision()), fitted.predict_proba(images.load())
    )


def test_messages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "ants" / "0.png"
    with pytest.raises(ValueError, match=r"one label for each of the 1 paths\. Got 2"):
        ImageFiles([path], [0, 1])
    with pytest.raises(ValueError, match=r"names a file that is not there: nowhere\.png"):
        ImageFiles(["nowhere.png"])
    with pytest.raises(ValueError, match="must have a folder of images for each class"):
        ImageFiles.from_folder(folder / "ants" / "more")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=re.escape('pip install "skda[vision]"')):
        ImageFiles([path])[0]


def test_paths_labels_and_options_are_checked_at_once(folder: Path) -> None:
    path = next(folder.glob("*/*.png"))
    for paths in (str(path), path, [], None, 5):
        with pytest.raises(
            ValueError, match=r"'paths' parameter must be a list of one path or more\. Got"
        ):
            ImageFiles(paths)
    for y in (5, "ant", [[0, 1]]):
        with pytest.raises(ValueError, match=r"one label for each of the 1 paths\. Got shape"):
            ImageFiles([path], y)
    for size in (0, -1, 1.5, "a", None):
        with pytest.raises(ValueError, match=r"'size' parameter of ImageFiles must be an int"):
            ImageFiles([path], size=size)
    with pytest.raises(ValueError, match="'transform' parameter of ImageFiles must be a callable"):
        ImageFiles([path], transform=5)
    assert len(ImageFiles(folder.glob("*/*.png"))) == len([*folder.glob("*/*.png")])
    assert ImageFiles(np.array([path]), [["ant"]], size=4)[0][1] == "ant"
