"""Kernels that training or pruning made sparse."""
