"""Section c: losses against their broadcast forms and against one product."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch

from skda.losses import coral, jmmd2, mk_mmd2

from ..harness import by_hand
from ..harness.timing import ratio, side_by_side
from .measure import Row

SIZES = ((32, 256), (128, 512), (512, 1024))


def gradient_of(loss: Callable[..., torch.Tensor], *leaves: torch.Tensor) -> Callable[[], None]:
    def run() -> None:
        torch.autograd.grad(loss(*leaves), leaves)

    return run


def section_c(options: argparse.Namespace) -> Iterator[Row]:
    for n, d in SIZES[:1] if options.quick else SIZES:
        generator = torch.Generator().manual_seed(0)
        leaves = [torch.randn(n, d, generator=generator).requires_grad_() for _ in range(2)]
        leaves += [torch.randn(n, 10, generator=generator).requires_grad_() for _ in range(2)]
        pooled = torch.cat([leaf.detach() for leaf in leaves[:2]])
        gram = {"product": lambda z=pooled: z @ z.T}
        pulled = pooled.clone().requires_grad_()
        ones = torch.ones(2 * n, 2 * n)
        gram["both ways"] = lambda z=pulled, g=ones: torch.autograd.grad(z @ z.T, z, g)

        def jmmd(a: Any, b: Any, c: Any, d: Any, of: Any = jmmd2) -> torch.Tensor:
            return of([a, c.softmax(1)], [b, d.softmax(1)])

        losses = {
            "MK-MMD": (gradient_of(mk_mmd2, *leaves[:2]),
                       gradient_of(by_hand.broadcast_mkmmd, *leaves[:2])),
            "JMMD": (gradient_of(jmmd, *leaves), gradient_of(
                lambda *layers: jmmd(*layers, of=by_hand.broadcast_jmmd), *leaves)),
            "CORAL": (gradient_of(coral, *leaves[:2]),
                      gradient_of(by_hand.broadcast_coral, *leaves[:2])),
        }  # fmt: skip
        goals = (n, d) == (128, 512)
        for name, (ours, naive) in losses.items():
            case = f"{name}, forward and backward, {n} + {n} rows of {d}"
            repeat = max(1, 4096 // n // 4)
            seconds = side_by_side({"ours": ours, **gram}, 2 * options.rounds, repeat)
            yield Row("c", case, "skda", 1e3 * median(seconds["ours"]), "ms")
            product = ratio(seconds["ours"], seconds["product"])
            yield Row("c", case, "against one Gram product", product, goal="<= 4" if goals else "")
            yield Row("c", case, "against one Gram product forward and backward",
                      ratio(seconds["ours"], seconds["both ways"]))  # fmt: skip
            # the pairs laid out, their squares and the gradients of both
            if 5 * 4 * max((2 * n) ** 2 * d, n * d * d) > free_memory():
                print(f"{case}: not enough memory for the broadcast form")
                continue
            seconds = side_by_side({"ours": ours, "naive": naive}, options.rounds)
            yield Row("c", case, "faster than the broadcast form by",
                      ratio(seconds["naive"], seconds["ours"]),
                      goal=">= 100" if goals else "")  # fmt: skip


def free_memory() -> float:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return 1024 * next(float(line.split()[1]) for line in lines if line.startswith("MemAvail"))
