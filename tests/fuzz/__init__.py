"""Coverage-guided fuzzing of everything that reads bytes from outside.

    target      what a target is, and what all of them assert alike
    lines, sessions, settings, proofs, ways    the targets, by what they read; houses is what sessions need
    mutation    of JSON by its tokens
    targets     all of them by name
    engine      atheris, one process for each target; findings
    corpus/     small inputs of each target, replayed by ordinary pytest (test_corpus.py)

Strategy: a target takes bytes and knows nothing of the engine, so that what was found is replayed
without it.  Engine: atheris, because libFuzzer's mutations, its table of compared values and its
minimizing corpus are better than a loop of our own would be; it has wheels for Linux on x86_64 and
every Python we support.  Elsewhere nothing is fuzzed, and the command says so; the corpus is replayed.
"""
