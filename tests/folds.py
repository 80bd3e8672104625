"""What the Lab folds away and fills for who opens it, opened."""

from typing import Any

from pages.ui import controls


def unfold(app: Any) -> Any:
    """Return the app, whose next run draws everything that the Lab folds away."""
    for fold in controls.FOLDS:
        app.session_state[fold] = True
    return app
