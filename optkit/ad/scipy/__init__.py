"""SciPy's functions that do not dispatch, under the names and signatures that SciPy gives them.

NumPy hands a call on a traced value to the engine; so do the ufuncs of `scipy.special`. The rest of SciPy turns its
arguments into arrays first, and there a traced value is lost (an error says so). The modules of this package stand in
for SciPy's: the same names, the same arguments. With plain arrays they give SciPy's own result; with a traced value
they give that result with its derivatives, in both modes and to any order.

Change the import, and nothing else::

    from scipy import linalg              # before
    from optkit.ad.scipy import linalg    # after
"""
