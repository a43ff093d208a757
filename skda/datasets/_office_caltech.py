"""Office-Caltech10: ten kinds of object photographed in four ways, as SURF histograms."""

from pathlib import Path

import numpy as np

from ._docs import loader_docs
from ._fetch import DataHome, DataStore, github_files
from ._pairs import LabelledRows, Pair, PairDataset

DOMAINS = ("amazon", "caltech10", "dslr", "webcam")
CLASSES = (
    *("backpack", "bike", "calculator", "headphones", "keyboard"),
    *("laptop", "monitor", "mouse", "mug", "projector"),
)
DESCR = """\
Office-Caltech10, SURF: ten classes of objects in four domains: amazon (958 product photos),
caltech10 (1123 web images), dslr (157) and webcam (295 photos of an office).

Each row has the counts of 800 visual words; nothing is normalised. The classic protocol divides
each row by its sum, z-scores each domain by itself and uses all rows of both domains; there is no
separate target test set, so X_target_test and y_target_test are the same objects as X_target and
y_target.

Origin: Saenko et al., ECCV 2010; Griffin et al. (Caltech-256), 2007; Gong et al., CVPR 2012. No
licence is stated: research use.
"""


def _from_mat(path: Path) -> LabelledRows:
    from scipy.io import loadmat

    content = loadmat(path)
    # The published labels are uint8 1 .. 10.
    y = content["labels"].ravel().astype(np.int64) - 1
    return LabelledRows(content["fts"].astype(np.float32), y)


DATASET = PairDataset(
    store=DataStore(
        name="office_caltech_surf",
        prepared_sha256="9e04331e3d54044e88003870fdf104b56fcb2737f14d9a70593d226b7b34fab0",
        files=github_files(
            "LeoGautheron/OfficeCaltechDomainAdaptation",
            "0bcf68398284dbef34b04b70e5b897815b11147b",
            "features/surf",
            """
df32548b994e18d364c99e1f317e1fae100597259f0423a41b90f4f68187bb1f  amazon.mat
4f9334c8ced489d5054de97a5fd51a61f017f3bcd1f38c9a85c6d78cb9d7bda5  caltech10.mat
44d673c68e1d07b837893aa74dba3b986e4a6cc3fd66f0dd357683bdef059216  dslr.mat
a6a9c78b4b7181dfbb58bcfd351d4ebd737f171c31247b8884948aa156d3f700  webcam.mat
            """,
        ),
    ),
    domains=DOMAINS,
    file_name="{}.mat",
    from_file=_from_mat,
    feature_names=[f"surf_{i}" for i in range(800)],
    target_names=CLASSES,
    descr=DESCR,
)


@loader_docs
def fetch_office_caltech(
    source: str = "caltech10",
    target: str = "amazon",
    *,
    data_home: DataHome = None,
    download_if_missing: bool = True,
    progress: bool = False,
    return_X_y: bool = False,
) -> Pair:
    """Load two domains of Office-Caltech10 as SURF histograms (classification).

    ===========   =================================
    Classes                                      10
    Rows          958, 1123, 157, 295 (alphabetical)
    Features                                    800
    ===========   =================================

    Parameters
    ----------
    source, target : {"amazon", "caltech10", "dslr", "webcam"}
        Two different domains.
    <download>
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_source, X_target : ndarray of shape (n_domain, 800), float32
            Raw counts of visual words.
        y_source, y_target : ndarray of shape (n_domain,), int64
            Class numbers. ``y_target`` is for oracles and scores only.
        <target_test_is_target>
        feature_names : ndarray of shape (800,)
            ``surf_0`` ...
        <names>

    Raises
    ------
    <download_errors>

    References
    ----------
    .. [1] B. Gong, Y. Shi, F. Sha, K. Grauman, "Geodesic Flow Kernel for Unsupervised
       Domain Adaptation", CVPR 2012.

    Examples
    --------
    >>> from skda.datasets import fetch_office_caltech
    >>> fetch_office_caltech("dslr", "webcam").X_source.shape  # doctest: +SKIP
    (157, 800)
    """
    return DATASET.fetch("fetch_office_caltech", **locals())
