"""Bars of Code 128 in set C, from the patterns of ISO/IEC 15417, with the check value."""
# ruff: noqa: SIM905 - a table of 106 rows reads better in lines

from itertools import accumulate

#: Widths of bar, space, bar, space, bar, space for the values 0 to 105, in modules; every row sums to 11.
_WIDTHS = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 "
    "123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 "
    "232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 "
    "313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 "
    "111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 "
    "114311 411113 411311 113141 114131 311141 411131 211412 211214 211232"
).split()
_START_C = 105
_STOP = "2331112"


def values(digits: str) -> list[int]:
    """Start, pairs of digits and check value; `digits` has an even length."""
    pairs = [int(digits[place : place + 2]) for place in range(0, len(digits), 2)]
    check = (_START_C + sum(place * pair for place, pair in enumerate(pairs, 1))) % 103
    return [_START_C, *pairs, check]


def bars(digits: str) -> list[tuple[int, int]]:
    """The black bars from the left: first module and width in modules, the stop pattern included."""
    widths = [int(width) for width in "".join(_WIDTHS[value] for value in values(digits)) + _STOP]
    edges = [0, *accumulate(widths)]
    return [(edges[place], widths[place]) for place in range(0, len(widths), 2)]
