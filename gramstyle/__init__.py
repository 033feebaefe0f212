"""Style analysis with Gram matrices."""
