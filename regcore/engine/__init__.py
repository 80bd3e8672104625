"""The training engine: many networks of one shape, side by side in one program.

Only this package trains, and only `program` and `augmentation` import TensorFlow, when they are first used.
"""
