"""What a server of the app has beside its pages: a visitor's cookie, figures for its operator, its log.

Plain ASGI, which `pages.ui.server` puts around the pages.
"""

HEALTH, METRICS = "/health", "/metrics"
