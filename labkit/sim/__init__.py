"""Twins, the world they share, and the servers that carry them."""
