"""Domain-shift data: made from what scikit-learn bundles, and real data sets, fetched."""

from skda.datasets.activity import fetch_phone_watch
from skda.datasets.amazon import fetch_amazon_reviews
from skda.datasets.gas import fetch_gas_drift
from skda.datasets.handwritten import fetch_handwritten_digits
from skda.datasets.heart import fetch_heart_disease
from skda.datasets.moons import make_rotated_moons
from skda.datasets.office_caltech import fetch_office_caltech
from skda.datasets.photos import make_digits_on_photos
from skda.datasets.resize import resize_images
from skda.datasets.scanned import make_scanned_digits
from skda.datasets.tables import make_covariate_shift
from skda.datasets.wine import fetch_wine_quality

__all__ = [
    "fetch_amazon_reviews",
    "fetch_gas_drift",
    "fetch_handwritten_digits",
    "fetch_heart_disease",
    "fetch_office_caltech",
    "fetch_phone_watch",
    "fetch_wine_quality",
    "make_covariate_shift",
    "make_digits_on_photos",
    "make_rotated_moons",
    "make_scanned_digits",
    "resize_images",
]
