"""The miner side: sessions that know the dialect, and the board that moves their bytes."""
