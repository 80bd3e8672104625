"""Real trainings that show what each regularizer buys, with error bars."""
