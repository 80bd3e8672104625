"""What leaves the lab: models and code that run without it."""
