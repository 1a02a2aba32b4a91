"""Which pairs of nodes may be linked at all, one kind a file: negatives are drawn among these."""
