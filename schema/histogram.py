"""The bins in which every city counts results, so that quantiles of several cities can be told from their counts. Pure.

A bin holds numbers of one sign whose magnitudes differ by two hundredths at most, so whatever lies in it is known to
one hundredth (after DDSketch, Masson, Rim and Lee, 2019). The bins are fixed: cities agree on them without a word.
Zero has a bin of its own. Magnitudes beyond the ends count in the outermost bins; minimum and maximum, which are known,
bound what is told of them.
"""

from __future__ import annotations

from math import ceil, exp, log

ACCURACY = 0.01
SMALLEST, LARGEST = 1e-6, 1e12  # magnitudes
WIDTH = log((1 + ACCURACY) / (1 - ACCURACY))  # of a bin, of the natural logarithm
BEFORE = ceil(log(SMALLEST) / WIDTH) - 1  # bins of a sign are counted from 1
BINS = ceil(log(LARGEST) / WIDTH) - BEFORE


def bin_of(value: float) -> int:
    """The bin's number: 0 for zero, negative for negative numbers."""
    if value == 0:
        return 0
    number = min(max(ceil(log(abs(value)) / WIDTH) - BEFORE, 1), BINS)
    return number if value > 0 else -number


def value_of(number: int) -> float:
    """The number that is within `ACCURACY` of all that lies in a bin."""
    if number == 0:
        return 0.0
    upper = exp((abs(number) + BEFORE) * WIDTH)
    value = upper * (1 - ACCURACY)  # 2 b / (1 + b / a) for a bin from a to b
    return value if number > 0 else -value
