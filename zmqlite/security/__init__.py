"""What `zmqlite.auth` is made of: the protocol of ZAP, the rules, and what serves them."""
