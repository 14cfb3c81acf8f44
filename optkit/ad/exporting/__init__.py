"""Functions and their derivatives as source text: captured graphs, written down as C99 or as NumPy code."""
