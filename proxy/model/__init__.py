"""The neutral nouns both dialects translate to and from: job, share, verdict, target."""
