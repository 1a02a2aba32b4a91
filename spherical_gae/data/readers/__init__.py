"""A file or an object of the wild, read as links, weights, node features and labels."""
