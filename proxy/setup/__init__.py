"""Before the first start: a configuration made by asking or by flags, and one explained.

command     `sluice init`: its options, and which of printing, asking, writing is meant
answers     what is to be in the file, each answer checked as the configuration checks it
asking      the questions, on a terminal
reaching    whether a pool can be connected to from here
writing     answers to a commented file, proved to load before anybody sees it
machine     what this machine has: files, memory, cores, disk
explaining  `sluice check --explain`: who may connect, what happens on failover, what limits come to
advice      what of a configuration deserves a second look, and what to do about it
"""
