"""Schema: what a verb can be asked and answers, for programs."""
