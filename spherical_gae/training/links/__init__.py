"""Training on the links of a graph."""
