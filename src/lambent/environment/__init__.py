"""One execution environment, from the side of the edge that holds it."""
