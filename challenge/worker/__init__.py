"""What an evaluator worker does. Read tasks.py first: a bell rings, evaluate.py claims, runs and publishes."""
