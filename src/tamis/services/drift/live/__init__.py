"""References that are watched for as long as a server runs: each with its window and its alarms."""
