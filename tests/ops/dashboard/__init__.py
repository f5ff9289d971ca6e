"""What the dashboard's files must be, without a browser; tests/browser has the rest."""
