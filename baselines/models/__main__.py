"""The bundled networks, their sizes and what they score.

    python -m baselines.models [--json] [--height 128] [--width 256]

With --json: a list of objects `name, params, conv_weights, gmac, weights, miou`. `weights` is the file that the
repository holds, and `miou` its score on IDD-lite's 204 validation images as a fraction of 1, as everywhere in Parakh's
JSON; both are null where no weights are shipped. `status` says why.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from baselines.models import NETWORKS, count
from baselines.shipped import description, status, weights_of


def rows(height: int = 128, width: int = 256) -> list[dict[str, Any]]:
    """One object a network, for 7 classes and images of height x width."""
    found = []
    for name, constructor in NETWORKS.items():
        size, facts, weights = count(constructor(), height, width), description(name), weights_of(name)
        found.append(
            {
                "name": name,
                "params": size.parameters,
                "conv_weights": size.conv_weights,
                "gmac": round(size.gmac, 4),
                "weights": str(weights) if weights else None,
                "miou": facts["idd_lite_val"]["miou"] if facts else None,
                "status": status(name),
            }
        )
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.models", description="The bundled networks.")
    parser.add_argument("--json", action="store_true", help="for programs; miou is a fraction of 1")
    parser.add_argument("--height", type=int, default=128, help="of the image that GMAC are counted for")
    parser.add_argument("--width", type=int, default=256)
    options = parser.parse_args(arguments)
    found = rows(options.height, options.width)
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    print(f"{'network':<18}{'parameters':>12}{'conv weights':>14}{'GMAC':>9}{'mIoU, %':>9}  weights")
    for row in found:
        miou = f"{100 * row['miou']:.2f}" if row["miou"] is not None else "-"
        print(
            f"{row['name']:<18}{row['params']:>12,}{row['conv_weights']:>14,}{row['gmac']:>9.3f}{miou:>9}"
            f"  {row['weights'] or row['status']}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
