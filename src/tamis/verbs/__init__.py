"""What a verb is: a request that says all it can be asked, and a result that says what it found.

The command line, the Python methods, the log, the command that repeats an operation and JSON
schemas all derive from these classes; no option is written twice.
"""
