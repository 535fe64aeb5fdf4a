"""Review queues: what the results of verbs leave for a person to decide, answered by one key."""
