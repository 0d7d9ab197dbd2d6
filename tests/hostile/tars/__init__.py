"""Image tars. Each module writes one; what becomes of it is in its docstring."""
