"""Metrics of link prediction and the untrained baseline."""
