"""Code and prediction archives. Each module writes one; what becomes of it is in its docstring."""

from tests.evaluator.pictures import labels, png

NAMES = [f"val0000/{number:06d}_label.png" for number in range(3)]
"""What an archive of label maps must hold, for the corpus's data set."""

GOOD = png(labels())
