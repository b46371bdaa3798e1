#!/usr/bin/env python3
"""Fits the polynomial of normal_cdf() in engine/kernels/simd/math.h and prints its coefficients, the constant first.

erfc(a) exp(a^2) / 2 for a in [0, 9.3] is a polynomial in t = 1 / (1 + 0.475 a). The fit weighs the points again and
again by their error (Lawson's method), which tends to the least largest relative error. Needs numpy.
"""
import math

import numpy as np

SCALE, DEGREE, END = 0.475, 9, 9.3

a = np.linspace(0, END, 20001)
target = np.array([math.erfc(x) * math.exp(x * x) / 2 for x in a])
t = 1 / (1 + SCALE * a)
low, high = t.min(), t.max()
basis = np.polynomial.chebyshev.chebvander((t - low) / (high - low) * 2 - 1, DEGREE) / target[:, None]
weights = np.ones_like(a)
for _ in range(60):
    root = np.sqrt(weights)
    fit = np.linalg.lstsq(basis * root[:, None], root, rcond=None)[0]
    error = np.abs(basis @ fit - 1)
    weights *= error + 1e-14
    weights /= weights.sum()

line = np.poly1d([2 / (high - low), -1 - 2 * low / (high - low)])
polynomial = sum((c * line**k for k, c in enumerate(np.polynomial.chebyshev.cheb2poly(fit))), np.poly1d([0.0]))
print("largest relative error %.2g" % error.max())
for coefficient in polynomial.coeffs[::-1]:
    print(repr(float(coefficient)))
