"""Tasks that had no part in the thresholds of the check, as they are and with other shares."""

from ..harness.small_tasks import TASKS, gas, halved, heart, moons, reviews, with_shares

_DRAWN = (0.62, 0.05, 1.0, 0.33, 0.18, 0.45)
AS_THEY_ARE = {
    "electronics→dvd": reviews("electronics", "dvd"),
    "books→dvd": reviews("books", "dvd"),
    "electronics→kitchen": reviews("electronics", "kitchen"),
    "dvd→books": reviews("dvd", "books"),
    "gas 2→6": gas("batch2", "batch6"),
    "gas 6→2": gas("batch6", "batch2"),
    "gas 6→1": gas("batch6", "batch1"),
    "heart Hungary→Cleveland": heart("hungarian", "cleveland"),
    "heart VA→Cleveland": heart("va", "cleveland"),
    "moons turned by 20": moons(20.0, 2000),
    "moons turned by 50": moons(50.0, 2000),
}
_OF_TWO = {"1:9": (1.0, 0.11), "3:1": (0.33, 1.0)}
OTHER_SHARES = {
    f"{name}, {title}": with_shares(task, shares)
    for name, task in AS_THEY_ARE.items()
    for title, shares in ({"drawn": _DRAWN} if "gas" in name else _OF_TWO).items()
}
SHARES_ALONE = {
    f"half of {title}, {how}": with_shares(
        halved(TASKS[name], "share warning benchmark, halves"),
        _DRAWN if how == "drawn" else _OF_TWO[how],
    )
    for title, name, hows in (
        ("the book reviews", "books→electronics", _OF_TWO),
        ("gas batch 1", "gas 1→2", ("drawn",)),
        ("the phones", "phone→watch", ("drawn",)),
        ("the white wines", "wine white→red", _OF_TWO),
        ("the kitchen reviews", "kitchen→books", _OF_TWO),
    )
    for how in hows
}
ALL = AS_THEY_ARE | OTHER_SHARES | SHARES_ALONE
