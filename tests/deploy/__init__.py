"""What deploy/ ships: that it fits the program, and that copies are copies."""
