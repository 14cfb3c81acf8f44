"""What runs a graph: plain NumPy, always there, or machine code made with llvmlite."""
