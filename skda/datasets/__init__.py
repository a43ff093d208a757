"""Domain-shift data: made from what scikit-learn bundles, and real data sets, fetched."""

from ._activity import fetch_phone_watch
from ._amazon import fetch_amazon_reviews
from ._corn import fetch_corn_nir
from ._gas import fetch_gas_drift
from ._handwritten import fetch_handwritten_digits
from ._heart import fetch_heart_disease
from ._image_files import ImageFiles
from ._moons import make_rotated_moons
from ._office_caltech import fetch_office_caltech
from ._parquet import parquet_to_memmap
from ._photos import make_digits_on_photos
from ._resize import resize_images
from ._scanned import make_scanned_digits
from ._shifted_regression import make_shifted_regression
from ._tables import make_covariate_shift
from ._turbofan import fetch_turbofan
from ._wine import fetch_wine_quality

__all__ = [
    "ImageFiles",
    "fetch_amazon_reviews",
    "fetch_corn_nir",
    "fetch_gas_drift",
    "fetch_handwritten_digits",
    "fetch_heart_disease",
    "fetch_office_caltech",
    "fetch_phone_watch",
    "fetch_turbofan",
    "fetch_wine_quality",
    "make_covariate_shift",
    "make_digits_on_photos",
    "make_rotated_moons",
    "make_scanned_digits",
    "make_shifted_regression",
    "parquet_to_memmap",
    "resize_images",
]
