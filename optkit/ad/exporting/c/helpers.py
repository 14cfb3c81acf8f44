"""Short C routines that a source carries along where it uses them, for each type of real number.

In the texts ``REAL`` is the type and a name with ``@`` behind it takes the suffix of that type (``sin@``: ``sin``,
``sinf``). The matrix routines are Gaussian elimination with partial pivoting and Cholesky's factorisation, as in Golub
and Van Loan, *Matrix Computations* (4th ed.), algorithms 3.4.1 and 4.2.1; matrices are row by row.
"""

from __future__ import annotations

import re

HELPERS = {
    "maximum": "static REAL optkit_maximum@(REAL a, REAL b) { return a >= b || isnan(a) ? a : b; }",
    "minimum": "static REAL optkit_minimum@(REAL a, REAL b) { return a <= b || isnan(a) ? a : b; }",
    "sign": "static REAL optkit_sign@(REAL a) { return a > 0 ? 1 : a < 0 ? -1 : a == 0 ? 0 : a; }",
    "strong": """\
/* The product, in which an exact zero wins over infinity and NaN. */
static REAL optkit_strong@(REAL a, REAL b) { return a == 0 || b == 0 ? 0 : a * b; }""",
    "remainder": """\
/* The remainder with the sign of the divisor. */
static REAL optkit_remainder@(REAL a, REAL b)
{
    REAL r = fmod@(a, b);
    if (r == 0) return copysign@(0, b);
    return (r < 0) != (b < 0) ? r + b : r;
}""",
    "floor_divide": """\
static REAL optkit_floor_divide@(REAL a, REAL b)
{
    REAL r = fmod@(a, b), q, whole;
    if (b == 0) return a / b;
    q = (a - r) / b;
    if (r != 0 && (b < 0) != (r < 0)) q -= 1;
    if (q == 0) return copysign@(0, a / b);
    whole = floor@(q);
    return q - whole > (REAL)0.5 ? whole + 1 : whole;
}""",
    "heaviside": """\
static REAL optkit_heaviside@(REAL a, REAL h)
{
    return isnan(a) ? a : a < 0 ? 0 : a > 0 ? 1 : h;
}""",
    "logaddexp": """\
static REAL optkit_logaddexp@(REAL a, REAL b)
{
    if (a == b) return a + (REAL)0.69314718055994530942;
    if (a > b) return a + log1p@(exp@(b - a));
    return a <= b ? b + log1p@(exp@(a - b)) : a - b;
}""",
    "logaddexp2": """\
static REAL optkit_logaddexp2@(REAL a, REAL b)
{
    const REAL scale = (REAL)1.44269504088896340736;
    if (a == b) return a + 1;
    if (a > b) return a + scale * log1p@(exp2@(b - a));
    return a <= b ? b + scale * log1p@(exp2@(a - b)) : a - b;
}""",
    "integer": """\
/* Towards zero; what is no integer of 64 bits becomes the smallest one. */
static int64_t optkit_integer@(REAL a)
{
    return a > (REAL)-9.2233720368547758e18 && a < (REAL)9.2233720368547758e18 ? (int64_t)a : INT64_MIN;
}""",
    "lu": """\
/* Eliminate the n by n matrix a with the m columns of b; the sign of the permutation, 0 where a pivot is 0. */
static int optkit_lu@(int n, int m, REAL *a, REAL *b)
{
    int i, j, k, sign = 1;
    for (k = 0; k < n; ++k) {
        int p = k;
        for (i = k + 1; i < n; ++i)
            if (fabs@(a[i * n + k]) > fabs@(a[p * n + k])) p = i;
        if (a[p * n + k] == 0) return 0;
        if (p != k) {
            REAL swapped;
            sign = -sign;
            for (j = 0; j < n; ++j) { swapped = a[k * n + j]; a[k * n + j] = a[p * n + j]; a[p * n + j] = swapped; }
            for (j = 0; j < m; ++j) { swapped = b[k * m + j]; b[k * m + j] = b[p * m + j]; b[p * m + j] = swapped; }
        }
        for (i = k + 1; i < n; ++i) {
            const REAL factor = a[i * n + k] / a[k * n + k];
            for (j = k + 1; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
            for (j = 0; j < m; ++j) b[i * m + j] -= factor * b[k * m + j];
        }
    }
    return sign;
}""",
    "solve": """\
/* The solution of a x = b in the place of b, for m columns; 0 where a is singular. */
static int optkit_solve@(int n, int m, REAL *a, REAL *b)
{
    int i, j, k;
    if (!optkit_lu@(n, m, a, b)) return 0;
    for (i = n - 1; i >= 0; --i)
        for (j = 0; j < m; ++j) {
            REAL rest = b[i * m + j];
            for (k = i + 1; k < n; ++k) rest -= a[i * n + k] * b[k * m + j];
            b[i * m + j] = rest / a[i * n + i];
        }
    return 1;
}""",
    "triangular": """\
/* The solution of a x = b in the place of b, where a is a triangle; 0 where there is a zero on its diagonal. */
static int optkit_triangular@(int n, int m, int lower, int unit, const REAL *a, REAL *b)
{
    int step, j, k;
    for (step = 0; step < n; ++step) {
        const int i = lower ? step : n - 1 - step;
        const int first = lower ? 0 : i + 1, last = lower ? i : n;
        if (!unit && a[i * n + i] == 0) return 0;
        for (j = 0; j < m; ++j) {
            REAL rest = b[i * m + j];
            for (k = first; k < last; ++k) rest -= a[i * n + k] * b[k * m + j];
            b[i * m + j] = unit ? rest : rest / a[i * n + i];
        }
    }
    return 1;
}""",
    "inv": """\
/* The inverse of a, which is overwritten; 0 where it is singular. */
static int optkit_inv@(int n, REAL *a, REAL *inverse)
{
    int i;
    for (i = 0; i < n * n; ++i) inverse[i] = i % (n + 1) == 0 ? 1 : 0;
    return optkit_solve@(n, n, a, inverse);
}""",
    "det": """\
static REAL optkit_det@(int n, REAL *a)
{
    int i;
    REAL product = (REAL)optkit_lu@(n, 0, a, a);
    for (i = 0; product != 0 && i < n; ++i) product *= a[i * n + i];
    return product;
}""",
    "slogdet": """\
static void optkit_slogdet@(int n, REAL *a, REAL *sign, REAL *logarithm)
{
    int i;
    *sign = (REAL)optkit_lu@(n, 0, a, a);
    *logarithm = *sign == 0 ? -INFINITY : 0;
    for (i = 0; *sign != 0 && i < n; ++i) {
        if (a[i * n + i] < 0) *sign = -*sign;
        *logarithm += log@(fabs@(a[i * n + i]));
    }
}""",
    "cholesky": """\
/* The lower factor of a in its place; 0 where a is not positive definite. */
static int optkit_cholesky@(int n, REAL *a)
{
    int i, j, k;
    for (j = 0; j < n; ++j) {
        for (i = 0; i < j; ++i) a[i * n + j] = 0;
        for (i = j; i < n; ++i) {
            REAL rest = a[i * n + j];
            for (k = 0; k < j; ++k) rest -= a[i * n + k] * a[j * n + k];
            if (i == j && !(rest > 0)) return 0;
            a[i * n + j] = i == j ? sqrt@(rest) : rest / a[j * n + j];
        }
    }
    return 1;
}""",
    "condition": """\
/* The condition number of a in Frobenius' norm, a bound of the one in the spectral norm; a is overwritten. */
static REAL optkit_condition@(int n, REAL *a, REAL *inverse)
{
    int i;
    REAL norm = 0, inverse_norm = 0;
    for (i = 0; i < n * n; ++i) norm += a[i] * a[i];
    if (!optkit_inv@(n, a, inverse)) return INFINITY;
    for (i = 0; i < n * n; ++i) inverse_norm += inverse[i] * inverse[i];
    return sqrt@(norm) * sqrt@(inverse_norm);
}""",
}


def helper_text(used: set[tuple[str, str]]) -> str:
    """The texts of the helpers that are used, given as (name, type), and of those that these use."""
    todo, found = list(used), set(used)
    while todo:
        name, real = todo.pop()
        for other in re.findall(r"optkit_(\w+)@", HELPERS[name]):
            if (other, real) not in found:
                found.add((other, real))
                todo.append((other, real))
    texts = []
    for name, text in HELPERS.items():
        for real in ("double", "float"):
            if (name, real) in found:
                suffix = "f" if real == "float" else ""
                texts.append(text.replace("REAL", real).replace("@", suffix))
    return "\n\n".join(texts)
