"""The dashboard in a real Chromium: on a stage with farms made up for it, and on a running demo."""
