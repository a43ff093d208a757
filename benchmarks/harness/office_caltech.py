"""Office-Caltech10, SURF features: its tasks, and what is published of them."""

DOMAINS = {"A": "amazon", "C": "caltech10", "D": "dslr", "W": "webcam"}
TASKS = ["CA", "CW", "CD", "AC", "AW", "AD", "WC", "WA", "WD", "DC", "DA", "DW"]

# A public benchmark page; of TCA and GFK the mean and one task are at hand.
PUBLISHED_1NN = (23.7, 25.8, 25.5, 26.0, 29.8, 25.5, 19.9, 23.0, 59.2, 26.3, 28.5, 63.4)
PUBLISHED = {
    "1-NN, published": {**dict(zip(TASKS, PUBLISHED_1NN, strict=True)), "mean": 31.4},
    "TCA, published": {"CA": 45.6, "mean": 46.2},
    "GFK, published": {"CA": 46.0, "mean": 43.1},
}

# a row of the shallow page; what it is is told on both
NORMALISED_L = "TCA, L normalised"
