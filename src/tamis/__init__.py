"""tamis: from hours of raw pictures to the few that matter."""
