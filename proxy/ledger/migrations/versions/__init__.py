"""One file a change of the schema; each stays as it is for ever."""
