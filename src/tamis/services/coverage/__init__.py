"""What a dataset and its splits cover, scenario by scenario, and what they lack."""
