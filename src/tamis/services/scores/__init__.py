"""How representative and how unique each picture is."""
