"""The ufuncs of `scipy.special`, each with the domain of each of its arguments; integers stand for constants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import scipy.special as sp

from optkit.testing.cases.case import Case, Domain
from optkit.testing.cases.making import row

# fmt: off
# ruff: noqa: E501 -- rows of a table
# name: (low, high) for an argument that is differentiated, a number for one that is not
_ROWS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("cbrt", ((0.5, 3),)), ("exp2", ((-2, 2),)), ("exp10", ((-1, 1),)), ("expm1", ((-2, 2),)), ("log1p", ((-0.5, 3),)),
    ("cosm1", ((-2, 2),)), ("exprel", ((-3, 3),)), ("powm1", ((0.5, 2), (-2, 2))), ("sindg", ((-90, 90),)),
    ("cosdg", ((10, 170),)), ("tandg", ((-60, 60),)), ("cotdg", ((20, 80),)), ("radian", ((0, 90), (0, 60), (0, 60))),
    ("agm", ((0.5, 3), (0.2, 2))), ("expit", ((-3, 3),)), ("log_expit", ((-3, 3),)), ("logit", ((0.1, 0.9),)),
    ("xlogy", ((0.5, 2), (0.5, 2))), ("xlog1py", ((0.5, 2), (0.5, 2))), ("entr", ((0.2, 2),)),
    ("rel_entr", ((0.2, 2), (0.2, 2))), ("kl_div", ((0.2, 2), (0.2, 2))), ("huber", ((0.4, 0.6), (0.8, 2))),
    ("huber", ((1.5, 2), (-1, 1))), ("pseudo_huber", ((0.5, 2), (-2, 2))), ("boxcox", ((0.5, 2), (-1, 1))),
    ("boxcox1p", ((-0.4, 2), (-1, 1))), ("inv_boxcox", ((-0.3, 1), (0.2, 1))), ("inv_boxcox1p", ((-0.3, 1), (0.2, 1))),
    ("round", ((0.1, 0.4),)), ("gammasgn", ((0.1, 0.4),)),
    ("gamma", ((0.3, 4),)), ("gamma", ((-1.8, -1.2),)), ("gammaln", ((0.3, 4),)), ("loggamma", ((0.3, 4),)),
    ("rgamma", ((-2.5, 3),)), ("digamma", ((0.5, 4),)), ("psi", ((-1.8, -1.2),)), ("zeta", ((1.5, 4), (0.5, 3))),
    ("zetac", ((1.5, 4),)), ("zetac", ((-3.5, -0.5),)), ("beta", ((0.5, 3), (0.5, 3))), ("betaln", ((0.5, 3), (0.5, 3))),
    ("binom", ((2.2, 4), (0.5, 2))), ("poch", ((0.5, 3), (0.5, 2))), ("gammainc", ((0.5, 5), (0.5, 5))),
    ("gammaincc", ((0.5, 5), (0.5, 5))), ("gammaincc", ((25, 40), (20, 45))), ("betainc", ((0.5, 4), (0.5, 4), (0.1, 0.9))),
    ("betaincc", ((0.5, 4), (0.5, 4), (0.1, 0.9))), ("gammaincinv", ((0.6, 4), (0.2, 0.8))),
    ("gammainccinv", ((0.6, 4), (0.2, 0.8))), ("betaincinv", ((0.6, 4), (0.6, 4), (0.2, 0.8))),
    ("betainccinv", ((0.6, 4), (0.6, 4), (0.2, 0.8))),
    ("erf", ((-2, 2),)), ("erfc", ((-2, 2),)), ("erfcx", ((-1, 9),)), ("erfi", ((-1, 1),)), ("erfinv", ((-0.9, 0.9),)),
    ("erfcinv", ((0.1, 1.9),)), ("dawsn", ((-9, 9),)), ("ndtr", ((-3, 3),)), ("log_ndtr", ((-9, 3),)), ("ndtri", ((0.1, 0.9),)),
    ("ndtri_exp", ((-9, -0.2),)), ("voigt_profile", ((-2, 2), (0.5, 2), (0.5, 2))), ("owens_t", ((-1, 2), (-1, 2))),
    ("fresnel", ((-2, 2),)), ("exp1", ((0.5, 3),)), ("expi", ((0.5, 3),)), ("expn", (3, (0.5, 3))), ("expn", (0, (0.5, 3))),
    ("sici", ((0.5, 3),)), ("shichi", ((0.5, 3),)), ("spence", ((0.5, 3),)), ("wrightomega", ((-2, 3),)),
    ("j0", ((0.5, 5),)), ("j1", ((-5, 5),)), ("y0", ((0.5, 5),)), ("y1", ((0.5, 5),)), ("i0", ((-3, 3),)), ("i1", ((-3, 3),)),
    ("k0", ((0.5, 5),)), ("k1", ((0.5, 5),)), ("i0e", ((0.5, 5),)), ("i1e", ((-5, -0.5),)), ("k0e", ((0.5, 5),)),
    ("k1e", ((0.5, 5),)), ("jv", (2, (0.5, 5))), ("jv", (0, (-2, 2))), ("jv", (1.5, (0.5, 5))), ("jve", (1.5, (0.5, 5))),
    ("yv", (1.5, (0.5, 5))), ("yve", (2, (0.5, 5))), ("yn", (2, (0.5, 5))), ("iv", (2.5, (0.5, 3))), ("ive", (2, (-3, -0.5))),
    ("kv", (2.5, (0.5, 3))), ("kve", (2, (0.5, 3))),
    ("kv", ((0.3, 3), (0.5, 3))), ("kve", ((0.3, 3), (0.5, 3))), ("iv", ((0.3, 3), (0.5, 3))), ("ive", ((0.3, 3), (0.5, 3))),
    ("jv", ((0.3, 3), (0.5, 5))), ("jv", ((0.3, 3), (9, 15))), ("yv", ((0.3, 3), (0.5, 5))), ("kn", (2, (0.5, 3))), ("kn", (0, (0.5, 3))), ("airy", ((-3, 2),)),
    ("airye", ((0.5, 3),)), ("itairy", ((0.5, 2),)), ("itj0y0", ((0.5, 3),)), ("iti0k0", ((0.5, 3),)), ("it2j0y0", ((0.5, 3),)),
    ("it2i0k0", ((0.5, 3),)), ("struve", (1.5, (0.5, 3))), ("struve", (0, (0.5, 3))), ("modstruve", (1, (0.5, 3))),
    ("itstruve0", ((0.5, 3),)), ("itmodstruve0", ((0.5, 3),)), ("it2struve0", ((0.5, 3),)), ("besselpoly", ((0.5, 2), 1, 1)),
    ("ber", ((0.5, 3),)), ("bei", ((0.5, 3),)), ("ker", ((0.5, 3),)), ("kei", ((0.5, 3),)), ("berp", ((0.5, 3),)),
    ("beip", ((0.5, 3),)), ("kerp", ((0.5, 3),)), ("keip", ((0.5, 3),)),
    ("ellipk", ((-2, 0.9),)), ("ellipkm1", ((0.1, 2),)), ("ellipe", ((-2, 0.9),)), ("ellipkinc", ((-4, 4), (-1, 0.8))),
    ("ellipeinc", ((-4, 4), (-1, 0.8))), ("ellipj", ((-2, 2), (0.1, 0.9))), ("elliprc", ((0.5, 2), (0.5, 2))),
    ("elliprc", ((0.5, 2), (-2, -0.5))), ("elliprd", ((0.2, 2), (0.5, 2), (0.5, 2))), ("elliprf", ((0.2, 2), (0.5, 2), (0.5, 2))),
    ("elliprg", ((0.2, 2), (0.5, 2), (0.5, 2))), ("elliprj", ((0.2, 2), (0.5, 2), (0.5, 2), (0.5, 2))),
    ("hyp0f1", (1.5, (-2, 2))), ("hyp0f1", ((1, 2), (-2, 2))), ("hyp1f1", ((0.5, 1), (1.5, 2), (-2, 2))),
    ("hyp2f1", ((0.5, 1), (0.2, 0.6), (1.5, 2), (-2, 0.6))), ("hyp1f1", (0.7, 1.5, (-2, 2))), ("hyp2f1", (0.7, 0.3, 1.5, (-0.8, 0.8))),
    ("hyperu", (0.7, 1.5, (0.5, 3))), ("wright_bessel", (0.7, 1.5, (0.5, 2))), ("log_wright_bessel", (0.7, 1.5, (0.5, 2))),
    ("pbdv", (1.5, (0.5, 2))), ("pbvv", (1.5, (0.5, 2))), ("pbwa", (1.5, (0.5, 2))), ("lpmv", (1, 2, (-0.8, 0.8))),
    ("lpmv", (0, 3, (-0.8, 0.8))), ("mathieu_cem", (1, 1.5, (10, 80))), ("mathieu_sem", (2, 1.5, (10, 80))),
    ("mathieu_modcem1", (1, 1.5, (0.3, 1))), ("mathieu_modcem2", (1, 1.5, (0.3, 1))), ("mathieu_modsem1", (1, 1.5, (0.3, 1))),
    ("mathieu_modsem2", (1, 1.5, (0.3, 1))), ("pro_ang1", (1, 2, 1.5, (-0.8, 0.8))), ("pro_rad1", (1, 2, 1.5, (1.2, 2))),
    ("obl_ang1", (1, 2, 1.5, (-0.8, 0.8))), ("obl_rad1", (1, 2, 1.5, (0.5, 2))),
    ("pro_ang1_cv", (1, 2, 1.5, 6.9447848136442785, (-0.8, 0.8))),
    ("eval_chebyt", (3, (-0.9, 0.9))), ("eval_chebyt", (0, (-0.9, 0.9))), ("eval_chebyt", (2.5, (-0.9, 0.9))),
    ("eval_chebyu", (3, (-0.9, 0.9))), ("eval_chebyc", (3, (-0.9, 0.9))), ("eval_chebys", (3, (-0.9, 0.9))),
    ("eval_sh_chebyt", (3, (0.1, 0.9))), ("eval_sh_chebyu", (3, (0.1, 0.9))), ("eval_legendre", (4, (-0.9, 0.9))),
    ("eval_sh_legendre", (3, (0.1, 0.9))), ("eval_laguerre", (3, (0.1, 3))), ("eval_genlaguerre", (3, (0.2, 2), (0.1, 3))),
    ("eval_hermite", (3, (-2, 2))), ("eval_hermitenorm", (4, (-2, 2))), ("eval_gegenbauer", (3, 0.7, (-0.9, 0.9))),
    ("eval_jacobi", (3, 0.7, 0.3, (-0.9, 0.9))), ("eval_sh_jacobi", (3, 2.7, 1.3, (0.1, 0.9))),
    ("bdtr", (2, 5, (0.2, 0.8))), ("bdtrc", (2, 5, (0.2, 0.8))), ("bdtri", (2, 5, (0.2, 0.8))),
    ("btdtria", ((0.2, 0.8), (0.6, 3), (0.2, 0.8))), ("btdtrib", ((0.6, 3), (0.2, 0.8), (0.2, 0.8))),
    ("bdtrik", ((0.3, 0.7), (9, 12), (0.4, 0.6))), ("bdtrin", ((2, 4), (0.3, 0.7), (0.4, 0.6))),
    ("nbdtr", (2, 5, (0.2, 0.8))), ("nbdtrc", (2, 5, (0.2, 0.8))), ("nbdtri", (2, 5, (0.2, 0.8))),
    ("nbdtrik", ((0.3, 0.7), (4, 6), (0.4, 0.6))), ("nbdtrin", ((2, 4), (0.3, 0.7), (0.4, 0.6))),
    ("pdtr", (2, (0.5, 4))), ("pdtrc", (2, (0.5, 4))), ("pdtri", (2, (0.2, 0.8))), ("pdtrik", ((0.3, 0.8), (3, 5))),
    ("chdtr", ((1, 5), (0.5, 5))), ("chdtrc", ((1, 5), (0.5, 5))), ("chdtri", ((1, 5), (0.2, 0.8))),
    ("chdtriv", ((0.2, 0.8), (0.5, 5))), ("gdtr", ((0.5, 2), (0.5, 3), (0.5, 3))), ("gdtrc", ((0.5, 2), (0.5, 3), (0.5, 3))),
    ("gdtria", ((0.2, 0.8), (0.5, 3), (0.5, 3))), ("gdtrib", ((0.5, 2), (0.2, 0.8), (0.5, 3))), ("gdtrix", ((0.5, 2), (0.5, 3), (0.2, 0.8))),
    ("fdtr", ((1, 5), (1, 5), (0.5, 2))), ("fdtrc", ((1, 5), (1, 5), (0.5, 2))), ("fdtri", ((1, 5), (1, 5), (0.2, 0.8))),
    ("fdtridfd", (2, 0.55, (1.0, 1.2))), ("stdtr", ((1, 9), (-2, 2))), ("stdtrit", ((1, 9), (0.2, 0.8))),
    ("stdtridf", ((0.86, 0.9), (1.5, 1.6))), ("nrdtrimn", ((0.2, 0.4), (0.5, 2), (0.5, 2))), ("nrdtrisd", ((-1, 0), (0.6, 0.9), (1, 2))),
    ("kolmogorov", ((0.3, 0.75),)), ("kolmogorov", ((0.85, 2),)), ("kolmogi", ((0.2, 0.8),)), ("tklmbda", ((-1, 1), (0.1, 0.6))),
)
# Computed by SciPy with fewer digits than double precision has, so that differences know fewer still.
_COARSE = (
    "btdtria btdtrib bdtrik bdtrin nbdtrik nbdtrin pdtrik chdtriv gdtria gdtrib gdtrix stdtrit stdtridf fdtridfd fdtri "
    "betaincinv betainccinv itj0y0 iti0k0 it2j0y0 it2i0k0 itairy itstruve0 itmodstruve0 it2struve0 ber bei ker kei berp "
    "beip kerp keip pbdv pbvv pbwa lpmv tklmbda nrdtrimn nrdtrisd kolmogi mathieu_cem mathieu_sem mathieu_modcem1 "
    "mathieu_modcem2 mathieu_modsem1 mathieu_modsem2 pro_ang1 pro_rad1 obl_ang1 obl_rad1 pro_ang1_cv "
    "besselpoly hyp2f1 eval_chebyt gammaincinv gammainccinv wright_bessel log_wright_bessel"
).split()
_DOUBLE_ONLY = ("mathieu", "pro", "obl", "bdtr")
# fmt: on


def _of(function: Any, arguments: tuple[Any, ...], which: int) -> Callable[..., Any]:
    """The function of the arguments that are differentiated, with the constants in place."""

    def call(*moving: Any) -> Any:
        rest = iter(moving)
        y = function(*(next(rest) if isinstance(a, tuple) else a for a in arguments))
        return y[which] if isinstance(y, tuple) else y

    return call


def cases() -> Iterator[Case]:
    """The rows of this family."""
    for name, arguments in _ROWS:
        function = getattr(sp, name, None)
        if function is None:
            continue
        domains = tuple(
            Domain(((float(a[0]), float(a[1])),)) for a in arguments if isinstance(a, tuple)
        )
        constants = ", ".join(str(a) for a in arguments if not isinstance(a, tuple))
        for which in range(getattr(function, "nout", 1)):
            label = (
                f"{name} {constants} #{which}"
                if getattr(function, "nout", 1) > 1
                else f"{name} {constants}"
            )
            label += f" from {domains[0].pieces[0][0]}"
            yield row(
                label, _of(function, arguments, which), *((3,),) * len(domains), domains=domains,
                analytic=False, slack=1e4 if name in _COARSE else 10.0, single=not name.startswith(_DOUBLE_ONLY),
            )  # fmt: skip
    for name in ("gammainc", "xlogy", "beta"):
        function = getattr(sp, name)
        for shapes in (((), ()), ((2, 3), (3,)), ((2, 1), (3,)), ((0,), ()), ((1,), ())):
            yield row(
                f"{name} broadcast",
                function,
                *shapes,
                domains=Domain(((0.5, 2.0),)),
                analytic=False,
            )
    for triple in (((), (3,), (2, 1)), ((2, 3), (), (3,))):
        domains = (Domain(((0.5, 2.0),)), Domain(((0.5, 2.0),)), Domain(((0.2, 0.8),)))
        yield row("betainc broadcast", sp.betainc, *triple, domains=domains, analytic=False)
