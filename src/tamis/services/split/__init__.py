"""Train, validation and test sets that share no near-duplicate and each cover every condition."""
