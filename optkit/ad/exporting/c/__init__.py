"""C99: a plan of loops over the graph, statements, and the files around them."""
