"""Windows on the running proxy: logs, metrics, health."""
