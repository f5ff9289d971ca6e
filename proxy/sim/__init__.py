"""The two ends that Sluice stands between, simulated on real sockets: a pool, and miners that solve."""
